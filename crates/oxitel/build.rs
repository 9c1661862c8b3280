//! Notes the compiler's version, which `process.runtime.version` tells.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Without an answer the attribute is left out: it is no reason not to build.
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let answer = Command::new(rustc).arg("--version").output().ok();
    let words = answer.and_then(|output| String::from_utf8(output.stdout).ok());
    if let Some(version) = words.as_deref().and_then(|words| words.split_whitespace().nth(1)) {
        println!("cargo:rustc-env=OXITEL_RUSTC_VERSION={version}");
    }
}
