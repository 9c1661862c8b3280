//! The front door: `cargo xtask WORD`.

mod acceptance;

use std::path::Path;

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let args: Vec<String> = std::env::args().skip(2).collect();
    acceptance::run(&root, &args)
}
