//! Finds a Rust test by its path, walking the module tree as the compiler does: a file that no
//! `mod` declares is not part of the crate, and a test in it proves nothing.

mod items;
#[cfg(test)]
mod tests;
mod tokens;

use std::path::{Path, PathBuf};

use self::items::{Item, ItemKind, group, items};
use self::tokens::{Token, tokens};
use super::packages::Package;

/// The string literals in the body of the test at `path`, or why there is no such test.
pub(super) fn find(package: &Package, path: &[String]) -> Result<Vec<String>, String> {
    let mut first = None;
    for (file, left) in package.starts(path) {
        // The root of a crate keeps its modules beside itself.
        let modules = folder_of(&file).to_owned();
        match search_file(Place { package, file: &file, modules: &modules }, left) {
            Ok(texts) => return Ok(texts),
            Err(Failure::Useless(reason)) => return Err(reason),
            Err(Failure::Missing(reason)) => first = first.or(Some(reason)),
        }
    }
    let nowhere = || "does not exist: the package has no such target and no library".to_owned();
    Err(first.unwrap_or_else(nowhere))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// Why a search ended.
enum Failure {
    /// Nothing of that name; another start or another `mod` of the same name may have it.
    Missing(String),
    /// The function is there and proves nothing.
    Useless(String),
}

type Search = Result<Vec<String>, Failure>;

/// Where the tokens at hand come from and where `mod name;` among them looks for its file.
#[derive(Clone, Copy)]
struct Place<'place> {
    package: &'place Package,
    file: &'place Path,
    modules: &'place Path,
}

fn search_file(place: Place<'_>, path: &[String]) -> Search {
    let source = place.package.source(place.file).map_err(|error| {
        let file = place.file.display();
        Failure::Missing(format!("does not exist: {file} cannot be read: {error}"))
    })?;
    search(place, &tokens(&source), path)
}

fn search(place: Place<'_>, tokens: &[Token<'_>], path: &[String]) -> Search {
    let missing = |what: &str, name: &str| {
        let file = place.file.display();
        Failure::Missing(format!("does not exist: no {what} `{name}` in {file}"))
    };
    let Some((name, below)) = path.split_first() else {
        return Err(missing("function", ""));
    };
    let wanted_function = below.is_empty();
    let mut outcome = Err(missing(if wanted_function { "function" } else { "module" }, name));
    let found = items(tokens);
    for item in found.iter().filter(|item| item.name == name) {
        let attempt = match (item.kind, wanted_function) {
            (ItemKind::Function, true) => test(item),
            (ItemKind::InlineModule, false) => {
                let modules = place.modules.join(name);
                search(Place { modules: &modules, ..place }, item.body, below)
            }
            (ItemKind::FileModule, false) => search_module(place, item, below),
            _ => continue,
        };
        // Two modules of one name stand behind different `cfg`s: either may hold the test.
        if !matches!(attempt, Err(Failure::Missing(_))) {
            return attempt;
        }
        outcome = attempt;
    }
    outcome
}

/// Goes on in the file of `mod name;`.
fn search_module(place: Place<'_>, item: &Item<'_, '_>, below: &[String]) -> Search {
    if let Some(path) = path_attribute(item) {
        let file = folder_of(place.file).join(path);
        return search_file(Place { file: &file, modules: folder_of(&file), ..place }, below);
    }
    let modules = place.modules.join(item.name);
    let nested = modules.join("mod.rs");
    let beside: PathBuf = place.modules.join(format!("{}.rs", item.name));
    let file = if place.package.has(&nested) { nested } else { beside };
    search_file(Place { file: &file, modules: &modules, ..place }, below)
}

fn path_attribute<'source>(item: &Item<'_, 'source>) -> Option<&'source str> {
    item.attributes.iter().find_map(|attribute| match attribute {
        [Token::Word("path"), Token::Mark('='), Token::Text(path)] => Some(*path),
        _ => None,
    })
}

fn test(item: &Item<'_, '_>) -> Search {
    if !item.attributes.iter().any(|attribute| is_test(attribute)) {
        return Err(Failure::Useless(format!(
            "is no test: `fn {}` has no #[test] attribute",
            item.name
        )));
    }
    if item.attributes.iter().any(|attribute| is_ignored(attribute)) {
        return Err(Failure::Useless(
            "is ignored and proves nothing; make it run or take it from the list".to_owned(),
        ));
    }
    let text = |token: &Token<'_>| match token {
        Token::Text(text) => Some((*text).to_owned()),
        _ => None,
    };
    Ok(item.body.iter().filter_map(text).collect())
}

/// `#[test]`, and `#[tokio::test(…)]` with its kind.
fn is_test(attribute: &[Token<'_>]) -> bool {
    let is_path = |token: &&Token<'_>| matches!(token, Token::Word(_) | Token::Mark(':'));
    attribute.iter().take_while(is_path).last() == Some(&Token::Word("test"))
}

/// `#[ignore]`, `#[ignore = "…"]`, and the same behind a condition. Being left out by miri alone
/// is fine: that is a second run of the tests, made for the few that need it.
fn is_ignored(attribute: &[Token<'_>]) -> bool {
    match attribute {
        [Token::Word("ignore"), ..] => true,
        [Token::Word("cfg_attr"), condition @ ..] => {
            let (inside, _) = group(condition);
            inside.contains(&Token::Word("ignore"))
                && !matches!(inside, [Token::Word("miri"), Token::Mark(','), ..])
        }
        _ => false,
    }
}
