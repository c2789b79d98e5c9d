//! A test's store with helpers that read like sentences.

use std::sync::atomic::{AtomicU8, Ordering};

use rand::random;

use super::*;

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const CLIENT: &str = "local.test";
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const NO_BUDGET: Budget = Budget { hour: 0, day: 0, application_hour: 0 };
/// 2100: no token of a test dies by itself.
pub(super) const FAR: i64 = 4_102_444_800;

pub(in crate::store) struct World {
    place: Box<dyn Place>,
    pub(in crate::store) clock: Clock,
    pub(super) store: Arc<dyn Store>,
    users: AtomicU8,
}

impl World {
    pub(in crate::store) async fn new(place: impl Place + 'static) -> Self {
        let clock = Clock::system();
        let store = place.open(&clock).await;
        Self { place: Box::new(place), clock, store, users: AtomicU8::new(0) }
    }

    pub(in crate::store) async fn close(&self) {
        self.place.close().await;
    }

    /// Another process.
    pub(in crate::store) async fn another(&self) -> Arc<dyn Store> {
        self.place.open(&self.clock).await
    }

    pub(in crate::store) fn wait(&self, time: Duration) {
        self.clock.turn(i64::try_from(time.as_secs()).unwrap());
    }

    /// A new user's grant without a pair.
    pub(super) async fn empty_grant(&self) -> GrantId {
        let user_id = i64::from(self.users.fetch_add(1, Ordering::Relaxed)) + 1;
        self.store.ensure_grant(&identity(user_id), b"key".to_vec()).await.unwrap().0
    }

    /// A new user's grant with a primary chain.
    pub(in crate::store) async fn grant(&self) -> (GrantId, ChainId) {
        let grant = self.empty_grant().await;
        (grant, self.install(grant, Role::Primary, pair()).await)
    }

    pub(super) async fn install(&self, grant: GrantId, role: Role, pair: SealedPair) -> ChainId {
        let install = install(grant, role, pair);
        let installed = self.store.install(&install).await.unwrap();
        let as_asked = match role {
            Role::Primary => matches!(installed, Installed::Current(_)),
            _ => installed == Installed::Spare,
        };
        assert!(as_asked, "{installed:?}");
        install.chain
    }

    pub(super) async fn row(&self, grant: GrantId) -> GrantRow {
        self.store.grant(grant).await.unwrap().expect("the grant is there")
    }

    pub(super) async fn chain(&self, chain: ChainId) -> Chain {
        self.found(chain).await.1
    }

    async fn found(&self, chain: ChainId) -> (GrantId, Chain) {
        let grants = self.store.grants(0, 1000).await.unwrap();
        for grant in grants {
            for found in self.store.chains(grant.id).await.unwrap() {
                if found.id == chain {
                    return (grant.id, found);
                }
            }
        }
        panic!("no chain {chain}");
    }

    /// The attempt that would rotate the chain now.
    pub(in crate::store) async fn start(&self, chain: ChainId) -> Start {
        start(chain, self.chain(chain).await.pair.lineage)
    }

    /// Takes the chain with a new attempt.
    pub(in crate::store) async fn begin(&self, chain: ChainId) -> Start {
        let start = self.start(chain).await;
        assert!(self.store.begin(&start).await.unwrap(), "the chain is free");
        start
    }

    /// Takes the chain and says that it sends.
    pub(super) async fn send(&self, chain: ChainId) -> Start {
        let start = self.begin(chain).await;
        assert!(self.store.confirm(chain, start.attempt, Duration::ZERO).await.unwrap());
        start
    }

    /// Sends, and settles.
    pub(super) async fn fail(&self, chain: ChainId, verdict: Verdict) {
        let start = self.send(chain).await;
        assert!(self.store.settle(chain, start.attempt, verdict).await.unwrap());
    }

    /// Refused, and no other node: dead.
    pub(super) async fn kill(&self, chain: ChainId) {
        self.fail(chain, Verdict::Refused).await;
        let parent = self.chain(chain).await.pair.lineage;
        assert!(self.store.bury(chain, parent, node()).await.unwrap());
    }

    /// The answer to an attempt.
    pub(super) async fn answer(&self, start: &Start) -> Commit {
        let (grant, chain) = self.found(start.chain).await;
        let mut pair = pair();
        pair.lineage = start.attempt.lineage();
        Commit {
            grant,
            chain: start.chain,
            parent: start.parent,
            spent: Some(chain.pair.refresh_hash),
            endpoints: endpoints("answered"),
            pair,
        }
    }

    /// A rotation from begin to commit.
    pub(super) async fn rotate(&self, chain: ChainId) -> Commit {
        let start = self.send(chain).await;
        let answer = self.answer(&start).await;
        let committed = self.store.commit(&answer).await.unwrap();
        assert!(matches!(committed, Committed::Current(_)), "{committed:?}");
        answer
    }
}

pub(super) fn identity(user_id: i64) -> Identity {
    Identity { client_id: CLIENT.to_owned(), member_id: "portal".to_owned(), user_id }
}

pub(super) fn endpoints(scope: &str) -> Endpoints {
    Endpoints {
        client_endpoint: "https://portal.example/rest/".to_owned(),
        authorization_server: "https://oauth.bitrix.info/".to_owned(),
        scope: vec![scope.to_owned(), "user, with a comma".to_owned()],
        application_status: Some("L".to_owned()),
    }
}

/// A pair that nobody has had yet; due in the year 2100.
pub(super) fn pair() -> SealedPair {
    SealedPair {
        lineage: Lineage(random()),
        access: random::<[u8; 40]>().to_vec(),
        refresh: random::<[u8; 40]>().to_vec(),
        refresh_hash: TokenHash(random()),
        access_expires_at: FAR,
        refresh_expires_at: FAR,
        due_at: FAR,
    }
}

pub(super) fn install(grant: GrantId, role: Role, pair: SealedPair) -> Install {
    let chain = random::<i64>() & i64::MAX;
    let endpoints = endpoints("installed");
    Install { grant, chain, role, former: Role::Retired, endpoints, pair }
}

pub(super) fn start(chain: ChainId, parent: Lineage) -> Start {
    let attempt = AttemptId::random();
    Start { chain, parent, attempt, node: node(), lease: 3 * MINUTE, budget: NO_BUDGET }
}

/// The node that tests act on, unless they say another.
pub(super) fn node() -> NodeId {
    NodeId([1; 16])
}

pub(super) fn stranger() -> NodeId {
    NodeId([2; 16])
}

/// About as long, and no longer: the clock has run on since.
pub(super) fn about(found: Duration, expected: Duration) {
    assert!(found <= expected && found + MINUTE / 2 > expected, "{found:?} for {expected:?}");
}
