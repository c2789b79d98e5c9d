//! Who a call acts for, and what it has cost so far.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use crate::applications::Application;
use crate::events::HOPS;
use crate::tokens::Holder;

/// The one behind a call: an application with a token, or an incoming webhook.
pub(crate) struct Caller {
    pub(crate) user_id: u64,
    /// `false` for an incoming webhook.
    pub(crate) application: bool,
    /// The application.
    pub(crate) client: Option<Arc<Application>>,
    /// `http` or `https`, as the call came.
    pub(crate) scheme: &'static str,
    webhook_scope: Arc<[String]>,
    meter: Meter,
    batch: Cell<bool>,
    hops: u8,
}

/// Microseconds of emulated work of one request, known to the request and its calls.
pub(crate) type Meter = Rc<Cell<i64>>;

impl Caller {
    pub(super) fn application(
        holder: &Holder,
        client: Arc<Application>,
        scheme: &'static str,
        meter: Meter,
    ) -> Self {
        Self {
            user_id: holder.user_id,
            application: true,
            client: Some(client),
            scheme,
            webhook_scope: Arc::default(),
            meter,
            batch: Cell::new(false),
            hops: holder.hops.map_or(HOPS, |left| left.saturating_sub(1)),
        }
    }

    pub(super) fn webhook(
        user_id: u64,
        webhook_scope: Arc<[String]>,
        scheme: &'static str,
        meter: Meter,
    ) -> Self {
        Self {
            user_id,
            application: false,
            client: None,
            scheme,
            webhook_scope,
            meter,
            batch: Cell::new(false),
            hops: HOPS,
        }
    }

    /// The scopes of its grant.
    pub(crate) fn scope(&self) -> &[String] {
        self.client.as_ref().map_or(&*self.webhook_scope, |client| &client.scope)
    }

    /// Who keeps options, idempotency keys and operating time: the application, or the webhook of one user.
    pub(crate) fn principal(&self) -> String {
        match &self.client {
            Some(client) => client.client_id.clone(),
            None => format!("webhook {}", self.user_id),
        }
    }

    /// How many events may follow one out of the other from what it does.
    pub(crate) fn hops(&self) -> u8 {
        self.hops
    }

    /// Adds microseconds of emulated work to the request.
    pub(super) fn spend(&self, micros: i64) {
        self.meter.set(self.meter.get().saturating_add(micros));
    }

    /// Microseconds of emulated work so far.
    pub(crate) fn spent(&self) -> i64 {
        self.meter.get()
    }

    /// From here on its calls are commands of a batch.
    pub(super) fn begin_batch(&self) {
        self.batch.set(true);
    }

    /// Whether its calls are commands of a batch.
    pub(super) fn batches(&self) -> bool {
        self.batch.get()
    }
}
