//! Modules and functions at one level of a Rust source, with their attributes.

use super::tokens::Token;

/// A piece of a token sequence.
type Tokens<'tokens, 'source> = &'tokens [Token<'source>];

/// A module or function.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item<'tokens, 'source> {
    pub(super) name: &'source str,
    pub(super) kind: ItemKind,
    /// The tokens between the braces; none for `mod name;`.
    pub(super) body: Tokens<'tokens, 'source>,
    /// The tokens between the brackets of each `#[…]` in front of the item.
    pub(super) attributes: Vec<Tokens<'tokens, 'source>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    Function,
    /// `mod name { … }`
    InlineModule,
    /// `mod name;`
    FileModule,
}

/// The items of `tokens`, not those inside of other items. The inside of `proptest! { … }` counts
/// as this level, because that macro leaves its functions where they are written.
pub(super) fn items<'tokens, 'source>(
    tokens: Tokens<'tokens, 'source>,
) -> Vec<Item<'tokens, 'source>> {
    let mut items = Vec::new();
    let mut attributes = Vec::new();
    let mut rest = tokens;
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (Token::Mark('#'), [Token::Mark('['), ..]) => {
                let (attribute, after) = group(after);
                attributes.push(attribute);
                after
            }
            (Token::Mark('#'), [Token::Mark('!'), inner @ ..]) => group(inner).1,
            (Token::Word(word @ ("mod" | "fn")), [Token::Word(name), signature @ ..]) => {
                let (item, after) = item(word, name, signature);
                items.push(Item { attributes: std::mem::take(&mut attributes), ..item });
                after
            }
            (Token::Word("proptest"), [Token::Mark('!'), inner @ ..]) => {
                attributes.clear();
                let (inside, after) = group(inner);
                items.extend(self::items(inside));
                after
            }
            (Token::Mark(mark), _) => skip(*mark, rest, &mut attributes),
            _ => after,
        };
    }
    items
}

/// Moves over a mark or a whole group. Braces and semicolons end an item, and with it the reach
/// of the attributes in front; parentheses do not (`pub(crate) fn`).
fn skip<'tokens, 'source>(
    mark: char,
    rest: Tokens<'tokens, 'source>,
    attributes: &mut Vec<Tokens<'tokens, 'source>>,
) -> Tokens<'tokens, 'source> {
    if matches!(mark, '{' | ';') {
        attributes.clear();
    }
    if matches!(mark, '{' | '(' | '[') { group(rest).1 } else { &rest[1..] }
}

/// The item whose name has just been read, without attributes, and what follows it.
fn item<'tokens, 'source>(
    word: &str,
    name: &'source str,
    signature: Tokens<'tokens, 'source>,
) -> (Item<'tokens, 'source>, Tokens<'tokens, 'source>) {
    let mut rest = signature;
    let (has_body, body, after) = loop {
        match rest {
            [Token::Mark('{'), ..] => {
                let (body, after) = group(rest);
                break (true, body, after);
            }
            [Token::Mark(';'), after @ ..] => break (false, &signature[..0], after),
            [Token::Mark('(' | '['), ..] => rest = group(rest).1,
            [_, after @ ..] => rest = after,
            [] => break (false, rest, rest),
        }
    };
    let kind = match (word, has_body) {
        ("fn", _) => ItemKind::Function,
        (_, true) => ItemKind::InlineModule,
        (_, false) => ItemKind::FileModule,
    };
    (Item { name, kind, body, attributes: Vec::new() }, after)
}

/// Splits `tokens`, which start with an opening bracket, into the inside and what follows. Strings
/// and comments are gone, so brackets of all three kinds nest properly in source that compiles.
pub(super) fn group<'tokens, 'source>(
    tokens: Tokens<'tokens, 'source>,
) -> (Tokens<'tokens, 'source>, Tokens<'tokens, 'source>) {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('{' | '(' | '[') => depth += 1,
            Token::Mark('}' | ')' | ']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return (&tokens[1.min(at)..at], &tokens[at + 1..]);
        }
    }
    (&tokens[1.min(tokens.len())..], &[])
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    fn names(source: &str) -> Vec<(String, ItemKind, usize)> {
        let tokens = tokens(source);
        let items = items(&tokens);
        let name = |item: &Item<'_, '_>| (item.name.to_owned(), item.kind, item.attributes.len());
        items.iter().map(name).collect()
    }

    fn function(name: &str, attributes: usize) -> (String, ItemKind, usize) {
        (name.to_owned(), ItemKind::Function, attributes)
    }

    #[test]
    fn modules_and_functions_keep_their_own_attributes() {
        let found = names(
            "#![allow(x)] use a::{b, c}; #[cfg(test)] mod t { fn inner() {} } #[path = \"p\"] mod f;
             #[test] #[ignore] pub(crate) async fn g() -> [u8; 2] { fn h() {} } fn last() {}",
        );
        let expected = [
            ("t".to_owned(), ItemKind::InlineModule, 1),
            ("f".to_owned(), ItemKind::FileModule, 1),
            function("g", 2),
            function("last", 0),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn attributes_of_other_items_do_not_reach_the_next_function() {
        let found =
            names("#[test] struct A; #[test] struct B { c: fn(u8) } #[test] m!(); fn d() {}");
        assert_eq!(found, [function("d", 0)]);
        assert_eq!(names("#[test] enum A { B } fn c() {}"), [function("c", 0)]);
    }

    #[test]
    fn functions_inside_of_other_items_and_macros_are_not_at_this_level() {
        let found = names("impl A { fn b() {} } macro_rules! c { () => { #[test] fn d() {} } }");
        assert_eq!(found, []);
    }

    #[test]
    fn functions_inside_of_proptest_are_at_this_level() {
        let found = names(
            "proptest! { #![proptest_config(c())] #[test] fn a(x in 0..9_u8) {} /// b\n fn b() {} }
             fn c() {}",
        );
        assert_eq!(found, [function("a", 1), function("b", 0), function("c", 0)]);
    }

    #[test]
    fn source_that_ends_early_gives_what_was_read() {
        assert_eq!(names("fn a() { ("), [function("a", 0)]);
        assert_eq!(names("mod"), []);
        assert_eq!(names("#[test"), []);
        assert_eq!(names(")} fn a() {}"), [function("a", 0)]);
    }
}
