//! The HTTP broker: one process that keeps grants for readers that cannot link the core.
//!
//! Nothing is served yet. What belongs here: the `/v1` API guarded by application passwords, the
//! webhook-shaped pass-through, inbound deliveries, metrics. What does not: any rule about tokens,
//! which lives in the core.
