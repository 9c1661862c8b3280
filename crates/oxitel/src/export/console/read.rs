//! What all three signals have in common: records below scopes below resources, and attributes.

use crate::wire::{Content, Fields};

/// The records of one resource.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) service: &'a [u8],
    /// The name of a scope, and its records as messages.
    pub(super) scopes: Vec<(&'a [u8], Vec<&'a [u8]>)>,
}

/// The resources of a request, of any signal.
pub(super) fn groups(request: &[u8]) -> Vec<Group<'_>> {
    messages(request, 1).map(group).collect()
}

fn group(message: &[u8]) -> Group<'_> {
    let attributes = messages(message, 1).flat_map(|resource| messages(resource, 1));
    let service = attributes.filter_map(pair).find(|(key, _)| *key == b"service.name");
    let service = service.and_then(|(_, value)| messages(value, 1).last()).unwrap_or_default();
    Group { service, scopes: messages(message, 2).map(scope).collect() }
}

fn scope(message: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let name = messages(message, 1).flat_map(|scope| messages(scope, 1)).last();
    (name.unwrap_or_default(), messages(message, 2).collect())
}

/// Every occurrence of a field that has a length.
pub(super) fn messages(message: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    Fields::new(message).flatten().filter_map(move |field| match field {
        (found, Content::Bytes(bytes)) if found == number => Some(bytes),
        _ => None,
    })
}

/// Key and value of an attribute.
pub(super) fn pair(attribute: &[u8]) -> Option<(&[u8], &[u8])> {
    Some((messages(attribute, 1).last()?, messages(attribute, 2).last().unwrap_or_default()))
}

/// A number in whatever form protobuf has it.
pub(super) fn bits(content: Content<'_>) -> u64 {
    match content {
        Content::Varint(bits) | Content::Fixed64(bits) => bits,
        Content::Fixed32(bits) => u64::from(bits),
        Content::Bytes(_) => 0,
    }
}
