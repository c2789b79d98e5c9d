//! Against real servers: `eval "$(tools/servers postgres start)"`.

mod place;
mod server;
mod statements;

mod direct {
    super::super::super::behaviour::behaviour!(super::place::direct);
}

mod pooled {
    super::super::super::behaviour::behaviour!(super::place::pooled);
}
