//! Ground truth for tests: the one place where tokens are shown.

use serde_json::{Value, json};

use super::{ChainId, Ledger, Refresh, Token};

impl Ledger {
    /// Every token, in the order of issue.
    pub(crate) fn to_json(&self, now: i64) -> Value {
        let mut rows: Vec<(u64, Value)> =
            Vec::with_capacity(self.access.len() + self.refresh.len());
        for (token, entry) in &self.access {
            let alive = !entry.dead && entry.expires_at > now && !self.chains[entry.chain].revoked;
            let times = (entry.issued_at, entry.expires_at);
            rows.push((entry.n, self.row("access", token, entry.chain, times, alive, false)));
        }
        for (token, entry) in &self.refresh {
            let spent = entry.spent_at.is_some();
            let alive = self.lives(entry, now);
            let times = (entry.issued_at, entry.expires_at);
            rows.push((entry.n, self.row("refresh", token, entry.chain, times, alive, spent)));
        }
        rows.sort_unstable_by_key(|(n, _)| *n);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// Every chain, what was done with it, and how many refresh tokens of it live.
    pub(crate) fn chains_json(&self, now: i64) -> Value {
        let mut living = vec![0_u64; self.chains.len()];
        for entry in self.refresh.values().filter(|entry| self.lives(entry, now)) {
            living[entry.chain] += 1;
        }
        let shown = self.chains.iter().zip(living).enumerate();
        shown.map(|(index, (chain, living))| chain.to_json(index, living)).collect()
    }

    /// Whether a refresh token is unspent and would be taken.
    fn lives(&self, entry: &Refresh, now: i64) -> bool {
        entry.spent_at.is_none()
            && !entry.dead
            && entry.expires_at > now
            && !self.chains[entry.chain].revoked
    }

    fn row(
        &self,
        kind: &str,
        token: &Token,
        id: ChainId,
        times: (i64, i64),
        alive: bool,
        spent: bool,
    ) -> Value {
        let holder = &self.chains[id].holder;
        json!({
            "kind": kind,
            "token": token.text(),
            "client_id": holder.client_id,
            "member_id": holder.member_id,
            "user_id": holder.user_id,
            "chain": id + 1,
            "issued_at": times.0,
            "expires_at": times.1,
            "alive": alive,
            "spent": spent,
        })
    }
}
