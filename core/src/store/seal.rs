//! Sealing: a data key per grant, wrapped by the master key.
//!
//! XChaCha20-Poly1305, random nonces. What a sealed text may stand for is bound into it as
//! associated data, so that no row can be swapped for another, not even from another store.

use std::sync::{Mutex, PoisonError};

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    AttemptId, ChainId, GrantId, KeySource, Lineage, SealedPair, Store, TokenHash,
    key::{KeyRing, SealingKey},
};
use crate::{Error, Kind, Result, Secret, process::PerProcess};

/// Version of the layout: this byte, the version of the master key (0 under a data key), the
/// nonce, the text.
const LAYOUT: u8 = 2;
const HEADER: usize = 5;
const NONCE: usize = 24;
const KEY_CHECK: &[u8] = b"evergrant";

/// Which of a pair's two tokens a sealed text holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    Access,
    Refresh,
}

/// Where in a store a pair belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) grant: GrantId,
    pub(crate) chain: ChainId,
    pub(crate) lineage: Lineage,
}

/// Seals and opens with one store's master key.
pub(crate) struct Vault {
    ring: KeyRing,
    /// Read again whenever a text is sealed with a version that is not here yet.
    newer: PerProcess<Mutex<Option<KeyRing>>>,
    source: KeySource,
    environment: Vec<u8>,
    hash_key: SealingKey,
}

impl Vault {
    /// Finds the master key and proves that it is this store's.
    pub(crate) async fn unlock(store: &dyn Store, source: &KeySource) -> Result<Self> {
        let environment = store.meta("environment").await?.unwrap_or_default();
        let check = store.meta("key_check").await?;
        if check.is_none() {
            source.make_beside(store)?;
        }
        let source = source.resolve(store)?;
        let mut vault = Self {
            ring: source.read()?,
            newer: PerProcess::new(),
            source,
            environment,
            hash_key: Zeroizing::new([0; 32]),
        };
        let check = match check {
            Some(check) => check,
            None => {
                store.set_meta("key_check", None, &vault.wrap(b"key-check", KEY_CHECK)?).await?
            }
        };
        if vault.unwrap(b"key-check", &check).is_err() {
            return Err(Error::new(Kind::Key, "the master key does not open this store")
                .with("store", store.address())
                .advise("Use the key that the store was made with; nothing was written."));
        }
        let sealed = match store.meta("hash_key").await? {
            Some(sealed) => sealed,
            None => {
                let fresh: SealingKey = Zeroizing::new(rand::random());
                store.set_meta("hash_key", None, &vault.wrap(b"hash-key", &*fresh)?).await?
            }
        };
        vault.hash_key = vault.unwrap_key(b"hash-key", &sealed)?;
        Ok(vault)
    }

    /// A new data key, wrapped.
    pub(crate) fn new_data_key(&self) -> Result<Vec<u8>> {
        let key: SealingKey = Zeroizing::new(rand::random());
        self.wrap(b"data-key", &*key)
    }

    /// Tells refresh tokens apart without keeping them. Its key never changes.
    pub(crate) fn hash(&self, refresh: &Secret) -> Result<TokenHash> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.hash_key)
            .map_err(|_| Error::new(Kind::Internal, "hashing failed"))?;
        mac.update(refresh.expose().as_bytes());
        Ok(TokenHash(mac.finalize().into_bytes().into()))
    }

    /// Seals one token of a pair.
    pub(crate) fn seal_token(
        &self,
        data_key: &[u8],
        place: Place,
        column: Column,
        token: &Secret,
    ) -> Result<Vec<u8>> {
        let key = self.unwrap_key(b"data-key", data_key)?;
        seal(0, &key, &self.token_context(place, column), token.expose().as_bytes())
    }

    /// Opens one token of a pair.
    pub(crate) fn open_token(
        &self,
        data_key: &[u8],
        grant: GrantId,
        chain: ChainId,
        column: Column,
        pair: &SealedPair,
    ) -> Result<Secret> {
        let place = Place { grant, chain, lineage: pair.lineage };
        let sealed = match column {
            Column::Access => &pair.access,
            Column::Refresh => &pair.refresh,
        };
        let open = || {
            let key = self.unwrap_key(b"data-key", data_key)?;
            let (_, body) = split(sealed)?;
            let plain = open(&key, &self.token_context(place, column), body)?;
            String::from_utf8(plain.to_vec()).map(Secret::new).map_err(|_| damaged())
        };
        open().map_err(|error| error.with("grant", grant.to_string()))
    }

    /// Seals a raw answer for the spool.
    pub(crate) fn seal_answer(&self, attempt: AttemptId, answer: &[u8]) -> Result<Vec<u8>> {
        let (version, key) = self.ring.current();
        seal(version, key, &self.context(b"answer", &[&attempt.0]), answer)
    }

    /// Opens a raw answer from the spool.
    pub(crate) fn open_answer(
        &self,
        attempt: AttemptId,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let (version, body) = split(sealed)?;
        open(&self.master(version)?, &self.context(b"answer", &[&attempt.0]), body)
    }

    /// The same data key under the newest master key; `None` if it is that already.
    pub(crate) fn rewrapped(&self, data_key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.renewed(b"data-key", data_key)
    }

    /// Seals the store's own values with the newest master key.
    pub(crate) async fn reseal_meta(&self, store: &dyn Store) -> Result<()> {
        for (name, purpose) in [("key_check", &b"key-check"[..]), ("hash_key", b"hash-key")] {
            let Some(old) = store.meta(name).await? else { continue };
            if let Some(new) = self.renewed(purpose, &old)? {
                store.set_meta(name, Some(&old), &new).await?;
            }
        }
        Ok(())
    }

    fn renewed(&self, purpose: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        let (version, _) = split(sealed)?;
        if version >= self.ring.current().0 {
            return Ok(None);
        }
        self.wrap(purpose, &self.unwrap(purpose, sealed)?).map(Some)
    }

    fn wrap(&self, purpose: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let (version, key) = self.ring.current();
        seal(version, key, &self.context(purpose, &[]), plain)
    }

    fn unwrap(&self, purpose: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (version, body) = split(sealed)?;
        open(&self.master(version)?, &self.context(purpose, &[]), body)
    }

    fn unwrap_key(&self, purpose: &[u8], sealed: &[u8]) -> Result<SealingKey> {
        let key = self.unwrap(purpose, sealed)?;
        key.as_slice().try_into().map(Zeroizing::new).map_err(|_| damaged())
    }

    fn master(&self, version: u32) -> Result<SealingKey> {
        if let Some(key) = self.ring.version(version) {
            return Ok(key.clone());
        }
        // Another process may have re-sealed with a key that was added while this one runs.
        let mut newer = self.newer.get().lock().unwrap_or_else(PoisonError::into_inner);
        if newer.as_ref().is_none_or(|ring| ring.version(version).is_none())
            && let Ok(ring) = self.source.read()
        {
            *newer = Some(ring);
        }
        newer.as_ref().and_then(|ring| ring.version(version)).cloned().ok_or_else(|| {
            Error::new(
                Kind::Key,
                "a value is sealed with a version of the master key that is not here",
            )
            .with("version", version.to_string())
            .advise("Give this program the key file that has that version.")
        })
    }

    fn token_context(&self, place: Place, column: Column) -> Vec<u8> {
        let column: &[u8] = match column {
            Column::Access => b"access",
            Column::Refresh => b"refresh",
        };
        let Place { grant, chain, lineage } = place;
        self.context(b"token", &[&grant.to_be_bytes(), &chain.to_be_bytes(), &lineage.0, column])
    }

    /// Purpose, environment and parts, each with its length, so that no two contexts are alike.
    fn context(&self, purpose: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let mut context = Vec::new();
        for part in [purpose, &self.environment].into_iter().chain(parts.iter().copied()) {
            context.extend_from_slice(&(part.len() as u64).to_be_bytes());
            context.extend_from_slice(part);
        }
        context
    }
}

fn cipher(key: &SealingKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(**key))
}

fn seal(version: u32, key: &SealingKey, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE] = rand::random();
    let sealed = cipher(key)
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context })
        .map_err(|_| Error::new(Kind::Internal, "sealing failed"))?;
    Ok([&[LAYOUT], &version.to_be_bytes()[..], &nonce, &sealed].concat())
}

/// The key's version, and nonce with text.
fn split(sealed: &[u8]) -> Result<(u32, &[u8])> {
    match sealed.split_at_checked(HEADER) {
        Some(([LAYOUT, version @ ..], body)) if body.len() > NONCE => {
            let version = version.try_into().map_err(|_| damaged())?;
            Ok((u32::from_be_bytes(version), body))
        }
        _ => Err(damaged()),
    }
}

fn open(key: &SealingKey, context: &[u8], body: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (nonce, text) = body.split_at_checked(NONCE).ok_or_else(damaged)?;
    let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| damaged())?;
    cipher(key)
        .decrypt(&XNonce::from(nonce), Payload { msg: text, aad: context })
        .map(Zeroizing::new)
        .map_err(|_| damaged())
}

fn damaged() -> Error {
    Error::new(Kind::Key, "a sealed value cannot be opened")
        .advise("The row was damaged, moved from another store, or sealed with another key.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(environment: &[u8], key: &str) -> Vault {
        vault_from(environment, KeySource::Key(Secret::from(key)))
    }

    fn vault_from(environment: &[u8], source: KeySource) -> Vault {
        Vault {
            ring: source.read().ok().unwrap(),
            newer: PerProcess::new(),
            source,
            environment: environment.to_vec(),
            hash_key: Zeroizing::new([0; 32]),
        }
    }

    #[test]
    fn a_token_opens_only_where_it_belongs() {
        let key = "00ff".repeat(16);
        let (here, elsewhere) = (vault(b"here", &key), vault(b"elsewhere", &key));
        let data_key = here.new_data_key().unwrap();
        let lineage = Lineage([1; 16]);
        let place = Place { grant: 5, chain: 7, lineage };
        let token = Secret::from("token");
        let sealed = here.seal_token(&data_key, place, Column::Refresh, &token).unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"token"));
        let pair = |lineage| SealedPair {
            lineage,
            access: sealed.clone(),
            refresh: sealed.clone(),
            refresh_hash: TokenHash([0; 32]),
            access_expires_at: 0,
            refresh_expires_at: 0,
            due_at: 0,
        };
        let opened = |vault: &Vault, grant, chain, column, lineage| {
            vault.open_token(&data_key, grant, chain, column, &pair(lineage)).ok()
        };
        let refresh = Column::Refresh;
        assert_eq!(opened(&here, 5, 7, refresh, lineage).unwrap().expose(), "token");
        assert!(opened(&here, 6, 7, refresh, lineage).is_none());
        assert!(opened(&here, 5, 8, refresh, lineage).is_none());
        assert!(opened(&here, 5, 7, Column::Access, lineage).is_none());
        assert!(opened(&here, 5, 7, refresh, Lineage([2; 16])).is_none());
        assert!(opened(&elsewhere, 5, 7, refresh, lineage).is_none());
    }

    #[test]
    fn damage_is_noticed() {
        let vault = vault(b"here", &"00ff".repeat(16));
        let attempt = AttemptId([3; 16]);
        let sealed = vault.seal_answer(attempt, b"answer").unwrap();
        for index in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[index] ^= 1;
            assert!(vault.open_answer(attempt, &bent).is_err(), "byte {index}");
        }
        for cut in 0..sealed.len() {
            assert!(vault.open_answer(attempt, &sealed[..cut]).is_err());
        }
    }

    #[test]
    fn an_old_key_opens_and_the_newest_seals() {
        let (old, new) = ("00ff".repeat(16), "11ee".repeat(16));
        let before = vault(b"here", &old);
        let both = vault(b"here", &format!("1:{old},2:{new}"));
        let after = vault(b"here", &format!("2:{new}"));
        let data_key = before.new_data_key().unwrap();
        let renewed = both.rewrapped(&data_key).unwrap().unwrap();
        assert_eq!(both.rewrapped(&renewed).unwrap(), None, "once is enough");
        assert!(after.unwrap_key(b"data-key", &data_key).is_err());
        assert_eq!(
            after.unwrap_key(b"data-key", &renewed).unwrap(),
            before.unwrap_key(b"data-key", &data_key).unwrap()
        );
    }

    #[test]
    fn keys_that_are_added_one_after_another_open_without_a_restart() {
        let lines: Vec<String> =
            (1..=4).map(|version| format!("{version}:{}\n", "00ff".repeat(16))).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let write = |newest: usize| std::fs::write(&path, lines[..newest].concat()).unwrap();
        write(1);
        let running = vault_from(b"here", KeySource::File(path.clone()));
        for newest in 2..=4 {
            write(newest);
            let restarted = vault_from(b"here", KeySource::File(path.clone()));
            let data_key = restarted.new_data_key().unwrap();
            assert!(running.unwrap_key(b"data-key", &data_key).is_ok(), "version {newest}");
        }
        // What is known needs no file; what is not there is not found twice either.
        let known = vault(b"here", &lines.concat()).new_data_key().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(running.unwrap_key(b"data-key", &known).is_ok());
        let unknown = vault(b"here", &format!("9:{}", "00ff".repeat(16))).new_data_key().unwrap();
        for _ in 0..2 {
            assert!(running.unwrap_key(b"data-key", &unknown).is_err());
        }
        assert!(running.unwrap_key(b"data-key", &known).is_ok(), "still");
    }
}
