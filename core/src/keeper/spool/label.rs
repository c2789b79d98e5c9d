//! What an answer is the answer to.

use serde::{Deserialize, Serialize};

use crate::{
    keeper::Claims,
    store::{AttemptId, ChainId, GrantId, Lineage, hex, unhex},
};

/// Beside every answer, in plain text: nothing in it is secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Label {
    pub(crate) client_id: String,
    pub(crate) attempt: String,
    /// What a rotation rotates.
    rotation: Option<Rotation>,
    /// What the answer to a code, or to a delivered pair, must agree with.
    #[serde(default)]
    claims: Claims,
    /// The authorization server that answers.
    pub(crate) server: String,
    /// The store whose answer it is: several may share a folder.
    #[serde(default)]
    pub(super) environment: String,
    /// When the answer came, in Unix seconds.
    #[serde(default)]
    pub(super) received_at: Option<i64>,
    /// The HTTP status, once there is an answer.
    pub(crate) status: Option<u16>,
    /// How many bytes the sealed answer has.
    #[serde(default)]
    pub(super) length: usize,
}

/// A chain, and the pair that is spent.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rotation {
    grant: GrantId,
    chain: ChainId,
    parent: String,
}

/// A chain, and the pair that is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(crate) grant: GrantId,
    pub(crate) chain: ChainId,
    pub(crate) lineage: Lineage,
}

impl Label {
    pub(crate) fn rotation(
        client_id: &str,
        attempt: AttemptId,
        parent: Parent,
        server: &str,
    ) -> Self {
        let Parent { grant, chain, lineage } = parent;
        let rotation = Some(Rotation { grant, chain, parent: hex(&lineage.0) });
        Self { rotation, ..Self::consent(client_id, attempt, &Claims::default(), server) }
    }

    pub(crate) fn consent(
        client_id: &str,
        attempt: AttemptId,
        claims: &Claims,
        server: &str,
    ) -> Self {
        Self {
            client_id: client_id.to_owned(),
            attempt: hex(&attempt.0),
            rotation: None,
            claims: claims.clone(),
            server: server.to_owned(),
            environment: String::new(),
            received_at: None,
            status: None,
            length: 0,
        }
    }

    /// With the longest of everything that comes with an answer.
    pub(super) fn at_its_longest(&self) -> Self {
        let (received_at, status) = (Some(i64::MIN), Some(u16::MAX));
        Self { received_at, status, length: usize::MAX, ..self.clone() }
    }

    /// When the answer came; its tokens have lived since.
    pub(crate) fn received_at(&self) -> Option<i64> {
        self.received_at
    }

    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }

    pub(crate) fn attempt(&self) -> Option<AttemptId> {
        unhex(&self.attempt).map(AttemptId)
    }

    pub(crate) fn parent(&self) -> Option<Parent> {
        let Rotation { grant, chain, parent } = self.rotation.as_ref()?;
        Some(Parent { grant: *grant, chain: *chain, lineage: Lineage(unhex(parent)?) })
    }
}
