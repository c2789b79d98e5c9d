//! Sealing: a data key per grant, wrapped by the master key.
//!
//! XChaCha20-Poly1305, random nonces. What a sealed text may stand for is bound into it as
//! associated data, so that no row can be swapped for another, not even from another store.

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use super::{AttemptId, GrantId, KeySource, Lineage, Store, key::MasterKey};
use crate::{Error, Kind, Result, Secret};

/// Version of the layout and of the master key, the first byte of every sealed text.
const VERSION: u8 = 1;
const NONCE: usize = 24;
const KEY_CHECK: &[u8] = b"evergrant";

/// Which of a pair's two tokens a sealed text holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    Access,
    Refresh,
}

/// Seals and opens with one store's master key.
pub(crate) struct Vault {
    master: MasterKey,
    environment: Vec<u8>,
}

impl Vault {
    /// Finds the master key and proves that it is this store's.
    pub(crate) async fn unlock(store: &dyn Store, source: &KeySource) -> Result<Self> {
        let meta = store.meta().await?;
        let master = source.find(store, meta.key_check.is_none())?;
        let vault = Self { master, environment: meta.environment };
        let context = vault.context(b"key-check", &[]);
        let check = match meta.key_check {
            Some(check) => check,
            None => store.keep_key_check(seal(&vault.master, &context, KEY_CHECK)?).await?,
        };
        match open(&vault.master, &context, &check) {
            Ok(_) => Ok(vault),
            Err(_) => Err(Error::new(Kind::Key, "the master key does not open this store")
                .with("store", store.address())
                .advise("Use the key that the store was made with; nothing was written.")),
        }
    }

    /// A new data key, wrapped.
    pub(crate) fn new_data_key(&self) -> Result<Vec<u8>> {
        let key: MasterKey = Zeroizing::new(rand::random());
        seal(&self.master, &self.context(b"data-key", &[]), &*key)
    }

    /// Seals one token of a pair.
    pub(crate) fn seal_token(
        &self,
        data_key: &[u8],
        grant: GrantId,
        lineage: Lineage,
        column: Column,
        token: &Secret,
    ) -> Result<Vec<u8>> {
        seal(
            &self.unwrap(data_key)?,
            &self.token_context(grant, lineage, column),
            token.expose().as_bytes(),
        )
    }

    /// Opens one token of a pair.
    pub(crate) fn open_token(
        &self,
        data_key: &[u8],
        grant: GrantId,
        lineage: Lineage,
        column: Column,
        sealed: &[u8],
    ) -> Result<Secret> {
        let plain =
            open(&self.unwrap(data_key)?, &self.token_context(grant, lineage, column), sealed)
                .map_err(|error| error.with("grant", grant.to_string()))?;
        String::from_utf8(plain.to_vec()).map(Secret::new).map_err(|_| damaged())
    }

    /// Seals a raw answer for the spool.
    pub(crate) fn seal_answer(&self, attempt: AttemptId, answer: &[u8]) -> Result<Vec<u8>> {
        seal(&self.master, &self.context(b"answer", &[&attempt.0]), answer)
    }

    /// Opens a raw answer from the spool.
    pub(crate) fn open_answer(
        &self,
        attempt: AttemptId,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        open(&self.master, &self.context(b"answer", &[&attempt.0]), sealed)
    }

    fn unwrap(&self, data_key: &[u8]) -> Result<MasterKey> {
        let key = open(&self.master, &self.context(b"data-key", &[]), data_key)?;
        key.as_slice().try_into().map(Zeroizing::new).map_err(|_| damaged())
    }

    fn token_context(&self, grant: GrantId, lineage: Lineage, column: Column) -> Vec<u8> {
        let column: &[u8] = match column {
            Column::Access => b"access",
            Column::Refresh => b"refresh",
        };
        self.context(b"token", &[&grant.to_be_bytes(), &lineage.0, column])
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

fn cipher(key: &MasterKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(**key))
}

fn seal(key: &MasterKey, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE] = rand::random();
    let sealed = cipher(key)
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context })
        .map_err(|_| Error::new(Kind::Internal, "sealing failed"))?;
    Ok([&[VERSION], &nonce[..], &sealed].concat())
}

fn open(key: &MasterKey, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    match sealed.split_first() {
        Some((&VERSION, rest)) if rest.len() > NONCE => {
            let (nonce, text) = rest.split_at(NONCE);
            let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| damaged())?;
            cipher(key)
                .decrypt(&XNonce::from(nonce), Payload { msg: text, aad: context })
                .map(Zeroizing::new)
                .map_err(|_| damaged())
        }
        _ => Err(damaged()),
    }
}

fn damaged() -> Error {
    Error::new(Kind::Key, "a sealed value cannot be opened")
        .advise("The row was damaged, moved from another store, or sealed with another key.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(environment: &[u8]) -> Vault {
        Vault { master: Zeroizing::new([9; 32]), environment: environment.to_vec() }
    }

    #[test]
    fn a_token_opens_only_where_it_belongs() {
        let (here, elsewhere) = (vault(b"here"), vault(b"elsewhere"));
        let key = here.new_data_key().unwrap();
        let (lineage, other) = (Lineage([1; 16]), Lineage([2; 16]));
        let sealed =
            here.seal_token(&key, 5, lineage, Column::Refresh, &Secret::from("token")).unwrap();
        let opened = |vault: &Vault, grant, lineage, column| {
            vault.open_token(&key, grant, lineage, column, &sealed)
        };
        assert_eq!(opened(&here, 5, lineage, Column::Refresh).ok().unwrap().expose(), "token");
        assert!(opened(&here, 6, lineage, Column::Refresh).is_err());
        assert!(opened(&here, 5, other, Column::Refresh).is_err());
        assert!(opened(&here, 5, lineage, Column::Access).is_err());
        assert!(opened(&elsewhere, 5, lineage, Column::Refresh).is_err());
        assert!(!sealed.windows(5).any(|window| window == b"token"));
    }

    #[test]
    fn damage_is_noticed() {
        let vault = vault(b"here");
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
}
