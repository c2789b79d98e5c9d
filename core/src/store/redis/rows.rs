//! From the scripts' answers to rows. What does not fit is damage: named, never guessed.

use std::{collections::HashMap, time::Duration};

use redis::Value;

use crate::{
    Error, Kind, Result,
    store::{
        AttemptId, AuditRow, Chain, ChainId, ChainState, Changed, Commit, GrantId, GrantRow,
        Identity, Lineage, NodeId, Role, SealedPair, Status, Summons, TokenHash, hex,
    },
};

pub(super) fn bytes(value: Value) -> Result<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        _ => Err(unexpected()),
    }
}

pub(super) fn text(value: Value) -> Result<String> {
    String::from_utf8(bytes(value)?).map_err(|_| unexpected())
}

pub(super) fn number(value: Value) -> Result<i64> {
    match value {
        Value::Int(number) => Ok(number),
        other => text(other)?.parse().map_err(|_| unexpected()),
    }
}

pub(super) fn flag(value: Value) -> Result<bool> {
    number(value).map(|number| number != 0)
}

pub(super) fn list(value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(unexpected()),
    }
}

/// A list of exactly so many values.
pub(super) fn exactly<const N: usize>(values: Vec<Value>) -> Result<[Value; N]> {
    values.try_into().map_err(|_| unexpected())
}

fn unexpected() -> Error {
    Error::new(Kind::Store, "the store answered something unexpected")
}

/// The clock and the epoch that an answer's rows are seen with.
pub(super) struct Seen {
    now: i64,
    epoch: Vec<u8>,
}

impl Seen {
    pub(super) fn new(now: Value, epoch: Value) -> Result<Self> {
        Ok(Self { now: number(now)?, epoch: bytes(epoch)? })
    }
}

/// A row as the store has it, and whose it is, for errors.
struct Fields {
    grant: Option<GrantId>,
    chain: Option<ChainId>,
    values: HashMap<Vec<u8>, Vec<u8>>,
}

impl Fields {
    fn new(grant: Option<GrantId>, chain: Option<ChainId>, flat: Value) -> Result<Self> {
        let mut values = HashMap::new();
        let mut flat = list(flat)?.into_iter();
        while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
            values.insert(bytes(name)?, bytes(value)?);
        }
        Ok(Self { grant, chain, values })
    }

    fn damaged(&self, field: &'static str) -> Error {
        let mut error = Error::new(Kind::Store, "the store holds damaged data");
        if let Some(grant) = self.grant {
            error = error.with("grant", grant.to_string());
        }
        if let Some(chain) = self.chain {
            error = error.with("chain", chain.to_string());
        }
        error
            .with("field", field)
            .advise("Nothing was overwritten. Restore the row from a backup, or consent again.")
    }

    fn raw(&self, field: &'static str) -> Result<&[u8]> {
        self.values.get(field.as_bytes()).map(Vec::as_slice).ok_or_else(|| self.damaged(field))
    }

    fn text(&self, field: &'static str) -> Result<&str> {
        std::str::from_utf8(self.raw(field)?).map_err(|_| self.damaged(field))
    }

    fn number<T: std::str::FromStr>(&self, field: &'static str) -> Result<T> {
        self.text(field)?.parse().map_err(|_| self.damaged(field))
    }

    fn word<T>(&self, field: &'static str, parse: fn(&str) -> Option<T>) -> Result<T> {
        parse(self.text(field)?).ok_or_else(|| self.damaged(field))
    }

    fn id<const N: usize>(&self, field: &'static str) -> Result<[u8; N]> {
        unhex(self.raw(field)?).ok_or_else(|| self.damaged(field))
    }

    fn pair(&self) -> Result<SealedPair> {
        Ok(SealedPair {
            lineage: Lineage(self.id("lineage")?),
            access: self.raw("access")?.to_vec(),
            refresh: self.raw("refresh")?.to_vec(),
            refresh_hash: TokenHash(self.id("hash")?),
            access_expires_at: self.number("access_expires_at")?,
            refresh_expires_at: self.number("refresh_expires_at")?,
            due_at: self.number("due_at")?,
        })
    }
}

pub(super) fn chain(seen: &Seen, grant: GrantId, id: ChainId, flat: Value) -> Result<Chain> {
    let fields = Fields::new(Some(grant), Some(id), flat)?;
    if fields.number::<GrantId>("grant")? != grant {
        return Err(fields.damaged("grant"));
    }
    let state = fields.word("state", ChainState::parse)?;
    let holder = match fields.raw("attempt")? {
        b"" => None,
        _ => Some((AttemptId(fields.id("attempt")?), NodeId(fields.id("node")?))),
    };
    let left = fields.number::<i64>("held_until")?.saturating_sub(seen.now);
    let chain = Chain {
        id,
        role: fields.word("role", Role::parse)?,
        state,
        pair: fields.pair()?,
        holder,
        held_for: Duration::from_millis(u64::try_from(left).unwrap_or(0)),
        tries: fields.number("tries")?,
        quarantined: fields.raw("epoch")? != seen.epoch,
    };
    if chain.is_held() != chain.holder.is_some() {
        return Err(fields.damaged("attempt"));
    }
    Ok(chain)
}

/// Number, fields, number of the primary chain, its fields.
pub(super) fn grant(seen: &Seen, value: Value) -> Result<GrantRow> {
    let [id, flat, primary, chain_flat] = exactly(list(value)?)?;
    let id = number(id)?;
    let fields = Fields::new(Some(id), None, flat)?;
    let primary = number(primary).map_err(|_| fields.damaged("primary"))?;
    let chain = chain(seen, id, primary, chain_flat)?;
    if chain.role != Role::Primary {
        return Err(fields.damaged("primary"));
    }
    Ok(GrantRow {
        id,
        identity: Identity {
            client_id: fields.text("client_id")?.to_owned(),
            member_id: fields.text("member_id")?.to_owned(),
            user_id: fields.number("user_id")?,
        },
        status: fields.word("status", Status::parse)?,
        generation: fields.number("generation")?,
        data_key: fields.raw("data_key")?.to_vec(),
        endpoints: serde_json::from_slice(fields.raw("endpoints")?)
            .map_err(|_| fields.damaged("endpoints"))?,
        chain,
    })
}

pub(super) fn orphan(chain: ChainId, parent: Lineage, flat: Value) -> Result<Option<Commit>> {
    let fields = Fields::new(None, Some(chain), flat)?;
    if fields.values.is_empty() {
        return Ok(None);
    }
    let spent = match fields.raw("spent")? {
        b"" => None,
        _ => Some(TokenHash(fields.id("spent")?)),
    };
    let endpoints = serde_json::from_slice(fields.raw("endpoints")?)
        .map_err(|_| fields.damaged("endpoints"))?;
    let (grant, pair) = (fields.number("grant")?, fields.pair()?);
    Ok(Some(Commit { grant, chain, parent, spent, endpoints, pair }))
}

pub(super) fn summons(value: Value) -> Result<Vec<Summons>> {
    let one = |value| {
        let [grant, chain] = exactly(list(value)?)?;
        Ok(Summons { grant: number(grant)?, chain: number(chain)? })
    };
    list(value)?.into_iter().map(one).collect()
}

/// Grant, time, generation, status. A damaged grant must not keep the others' changes from readers;
/// whoever reads it is told.
pub(super) fn changed(value: Value) -> Option<Changed> {
    let [grant, at, generation, status] = exactly(list(value).ok()?).ok()?;
    let grant = number(grant).ok()?;
    let parsed =
        number(generation).ok().zip(text(status).ok().and_then(|word| Status::parse(&word)));
    let Some((generation, status)) = parsed else {
        tracing::warn!(grant, "the store holds damaged data of a grant that has changed");
        return None;
    };
    Some(Changed { grant, generation, status, at: number(at).ok()? })
}

/// Time, event, chain, attempt, node, generation and hash, between bars.
pub(super) fn audit(grant: GrantId, place: i64, value: Value) -> Result<AuditRow> {
    let damaged = || {
        Error::new(Kind::Store, "the store holds damaged data")
            .with("grant", grant.to_string())
            .with("field", "audit")
            .with("entry", place.to_string())
    };
    let entry = text(value).map_err(|_| damaged())?;
    let parts: Vec<&str> = entry.split('|').collect();
    let [at, event, chain, attempt, node, generation, hash] = parts[..] else {
        return Err(damaged());
    };
    let number = |text: &str| text.parse::<i64>().map_err(|_| damaged());
    Ok(AuditRow {
        grant,
        number: place,
        at: number(at)?,
        event: event.to_owned(),
        chain: number(chain)?,
        attempt: attempt.to_owned(),
        node: node.to_owned(),
        generation: number(generation)?,
        hash: hash.to_owned(),
    })
}

fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (hex(&bytes).as_bytes() == digits).then_some(bytes)
}
