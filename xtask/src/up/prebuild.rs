//! The stage `tests`: builds ahead what `cargo xtask test` runs; nothing is started.

use super::fleet::Fleet;
use super::stage::Form;

/// Says that the builds are done.
#[expect(clippy::unnecessary_wraps, reason = "the signature of every stage")]
pub(super) fn start(_fleet: &mut Fleet, _form: Form) -> anyhow::Result<()> {
    println!("the tests are built and start at once: cargo xtask test");
    Ok(())
}

/// A build that failed has already ended the check.
#[expect(clippy::unnecessary_wraps, reason = "the signature of every stage")]
pub(super) fn verify(_fleet: &mut Fleet) -> anyhow::Result<()> {
    Ok(())
}
