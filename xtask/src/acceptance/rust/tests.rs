//! What the search for Rust tests finds and what it must not be taken in by.

use super::*;
use crate::acceptance::packages;
use crate::acceptance::scratch::Scratch;

const MANIFEST: &str = "[package]\nname = \"a\"\n";

fn look(root: &Scratch, path: &str) -> Result<Vec<String>, String> {
    let packages = packages::read(root.path()).expect("readable");
    let path: Vec<String> = path.split("::").map(str::to_owned).collect();
    find(&packages["a"], &path)
}

/// Looks `t` up in an integration test with this source.
fn look_in(source: &str) -> Result<Vec<String>, String> {
    let root = Scratch::new().file("Cargo.toml", MANIFEST).file("tests/it.rs", source);
    look(&root, "it::t")
}

fn is_missing(outcome: &Result<Vec<String>, String>) -> bool {
    outcome.as_ref().is_err_and(|reason| reason.starts_with("does not exist: no function `t`"))
}

fn is_ignored_test(outcome: &Result<Vec<String>, String>) -> bool {
    outcome.as_ref().is_err_and(|reason| reason.starts_with("is ignored"))
}

#[test]
fn tests_are_found_in_modules_of_every_form() {
    let root = Scratch::new()
        .file("Cargo.toml", MANIFEST)
        .file("tests/it/main.rs", "mod plain; mod folder; mod inline { mod below; }")
        .file("tests/it/plain.rs", "#[test] fn t() {}\nmod child;")
        .file("tests/it/plain/child.rs", "#[test] fn t() {}")
        .file("tests/it/folder/mod.rs", "mod child;")
        .file("tests/it/folder/child.rs", "#[test] fn t() {}")
        .file("tests/it/inline/below.rs", "mod x { #[test] fn t() {} }")
        .file("src/lib.rs", "#[path = \"other/name.rs\"] mod alias;")
        .file("src/other/name.rs", "mod side; #[cfg(test)] mod tests { #[test] fn t() {} }")
        .file("src/other/side.rs", "#[test] fn t() {}");
    for path in [
        "it::plain::t",
        "it::plain::child::t",
        "it::folder::child::t",
        "it::inline::below::x::t",
        "alias::tests::t",
        "alias::side::t",
    ] {
        assert_eq!(look(&root, path), Ok(Vec::new()), "{path}");
    }
}

#[test]
fn test_attributes_are_read_in_any_order_and_spelling() {
    for source in [
        "#[test] fn t() {}",
        "/// Words.\n#[should_panic(expected = \"x\")]\n#[test]\nfn t() {}",
        "#[test]\n#[cfg(unix)]\npub fn t() {}",
        "#[tokio::test(flavor = \"current_thread\")]\nasync fn t() -> Result<(), E> { Ok(()) }",
        "#[test]\n#[cfg_attr(miri, ignore = \"opens a socket\")]\nfn t() {}",
        "proptest! {\n#[test]\nfn t(text in \".*\") {} }",
        "proptest::proptest! { #[test] fn t(x in 0..9) {} }",
    ] {
        assert!(look_in(source).is_ok(), "{source}: {:?}", look_in(source));
    }
}

#[test]
fn a_test_that_is_not_code_does_not_exist() {
    for source in [
        "// #[test] fn t() {}\n",
        "/* #[test] fn t() {} */",
        "const SOURCE: &str = \"#[test] fn t() {}\";",
        "const SOURCE: &str = r##\"\"#[test] fn t() {}\"##;",
        "macro_rules! make { () => { #[test] fn t() {} } }",
        "impl A { #[test] fn t() {} }",
        "mod x { #[test] fn t() {} }",
        "fn outer() { #[test] fn t() {} }",
    ] {
        assert!(is_missing(&look_in(source)), "{source}: {:?}", look_in(source));
    }
}

#[test]
fn an_ignored_test_proves_nothing() {
    for source in [
        "#[test] #[ignore] fn t() {}",
        "#[ignore = \"slow\"]\n/// Words.\n#[test]\nfn t() {}",
        "#[cfg_attr(target_os = \"linux\", ignore)] #[test] fn t() {}",
        "#[cfg_attr(not(miri), ignore)] #[test] fn t() {}",
        "proptest! { #[test] #[ignore] fn t(x in 0..9) {} }",
    ] {
        assert!(is_ignored_test(&look_in(source)), "{source}: {:?}", look_in(source));
    }
}

#[test]
fn a_function_without_the_attribute_is_no_test() {
    for source in [
        "fn t() {}",
        "#[cfg(test)] fn t() {}",
        "#[test] struct A; fn t() {}",
        "#[tested] fn t() {}",
    ] {
        let reason = look_in(source).expect_err(source);
        assert_eq!(reason, "is no test: `fn t` has no #[test] attribute", "{source}");
    }
}

#[test]
fn a_file_that_no_module_declares_is_not_searched() {
    let root = Scratch::new()
        .file("Cargo.toml", MANIFEST)
        .file("tests/it/main.rs", "")
        .file("tests/it/orphan.rs", "#[test] fn t() {}");
    let reason = look(&root, "it::orphan::t").expect_err("not compiled");
    assert!(reason.starts_with("does not exist: no module `orphan`"), "{reason}");
}

#[test]
fn either_of_two_modules_behind_conditions_may_hold_the_test() {
    let source = "#[cfg(a)] mod x { #[test] fn t() {} } #[cfg(not(a))] mod x { fn u() {} }";
    let root = Scratch::new().file("Cargo.toml", MANIFEST).file("tests/it.rs", source);
    assert_eq!(look(&root, "it::x::t"), Ok(Vec::new()));
}

#[test]
fn the_texts_of_the_body_are_returned() {
    let source =
        "#[test] fn u() { \"other\"; } #[test] fn t() { assert!(a, \"one: {a}\"); // \"two\"\n }";
    assert_eq!(look_in(source), Ok(vec!["one: {a}".to_owned()]));
}

#[test]
fn a_target_that_does_not_exist_is_said() {
    let root = Scratch::new().file("Cargo.toml", MANIFEST);
    let reason = look(&root, "it::t").expect_err("no sources");
    assert!(reason.contains("has no such target"), "{reason}");
}
