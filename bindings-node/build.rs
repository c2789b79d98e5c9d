//! Links the module the way Node expects it.

fn main() {
    napi_build::setup();
}
