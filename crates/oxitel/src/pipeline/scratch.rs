//! The working memory of one live span: its attributes as encoded bytes plus an index.
//!
//! Flow: **record** -> chunk -> queue -> send. Scratches are pooled per thread; a span in steady
//! state allocates nothing. Setting a key again marks the old entry dead and appends; the one
//! copy at the end of the span skips the dead.

use super::charge::Charge;
use super::clock::Stamp;
use super::current;
use super::encode::{self, Treatment, Writer, tag};
use super::scope::ScopeData;
use crate::bridge::opentelemetry::Mailbox;
use crate::context::Ids;
use crate::record::redact::{self, Class, Examined, Rules, may_hold_url};
use crate::record::{Kind, Limits, Status, Value};
use std::sync::Arc;

/// Dead bytes beyond the live ones that are worth closing the gaps for.
const SWEEP_BYTES: usize = 4 * 1024;
/// A scratch that grew beyond this is freed instead of pooled.
const POOLED_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Scratch {
    /// The process (counted in forks) that started the span; elsewhere it vanishes.
    pub(crate) epoch: u64,
    pub(crate) ids: Ids,
    pub(crate) parent: u64,
    /// As OTLP wants them: W3C flags, and whether the parent is remote.
    pub(crate) flags: u32,
    pub(crate) trace_state: Option<Arc<str>>,
    pub(crate) scope: &'static ScopeData,
    pub(crate) limits: &'static Limits,
    pub(crate) rules: &'static Rules,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) start: Stamp,
    pub(crate) status: Outcome,
    pub(crate) attributes: Attributes,
    pub(crate) events: Records,
    pub(crate) links: Records,
    /// Attributes of the event or link being added.
    pub(crate) nested: Attributes,
    /// What users of the OpenTelemetry API change through the Context in which they find this
    /// span; kept for the next span.
    mailbox: Option<Arc<Mailbox>>,
    /// Somebody ended the span through a Context; its owner cannot change it any more.
    pub(crate) ended_at: Option<u64>,
    /// Texts that were replaced.
    pub(crate) redacted: u32,
}

impl Scratch {
    pub(crate) fn new(scope: &'static ScopeData) -> Self {
        Self {
            epoch: 0,
            ids: Ids::NONE,
            parent: 0,
            flags: 0,
            trace_state: None,
            scope,
            limits: &Limits::DEFAULT,
            rules: &redact::UNUSED,
            name: String::with_capacity(32),
            kind: Kind::Internal,
            start: Stamp::ZERO,
            status: Outcome::default(),
            attributes: Attributes::with_room(),
            events: Records::default(),
            links: Records::default(),
            nested: Attributes::default(),
            mailbox: None,
            ended_at: None,
            redacted: 0,
        }
    }

    /// Ready for the next span; memory stays.
    pub(crate) fn clear(&mut self) {
        self.ended_at = None;
        self.trace_state = None;
        self.name.clear();
        self.status.clear();
        self.attributes.clear();
        self.events.clear();
        self.links.clear();
        self.redacted = 0;
    }

    /// How much was left out because a limit was reached.
    #[inline(always)]
    pub(crate) fn dropped(&self) -> u32 {
        self.attributes.dropped | self.events.dropped | self.links.dropped
    }

    /// Ready to hear from users of the OpenTelemetry API, once there are any.
    #[inline(always)]
    pub(crate) fn open_mailbox(&mut self, epoch: u64) {
        if current::is_active() {
            self.renew_mailbox(epoch);
        } else if self.mailbox.is_some() {
            self.mailbox = None;
        }
    }

    #[inline(never)]
    fn renew_mailbox(&mut self, epoch: u64) {
        match self.mailbox.as_mut().and_then(Arc::get_mut) {
            Some(mailbox) => mailbox.reopen(epoch),
            // There is none, or somebody still has the last span's.
            None => self.mailbox = Some(Arc::new(Mailbox::new(epoch))),
        }
    }

    pub(crate) fn mailbox(&self) -> Option<&Arc<Mailbox>> {
        self.mailbox.as_ref()
    }

    /// Follows what came through Contexts; `false`: the span was ended there.
    #[inline(always)]
    pub(crate) fn read_mail(&mut self) -> bool {
        self.mailbox.is_none() || self.read_letters()
    }

    #[inline(never)]
    fn read_letters(&mut self) -> bool {
        let letters = self.mailbox.as_ref().map(|mailbox| mailbox.take());
        for letter in letters.into_iter().flatten() {
            letter.apply(self);
        }
        self.ended_at.is_none()
    }

    /// Reads the last mail; what comes from now on comes too late.
    #[inline(always)]
    pub(crate) fn close_mailbox(&mut self) {
        if let Some(mailbox) = &self.mailbox {
            let letters = mailbox.close();
            for letter in letters {
                letter.apply(self);
            }
        }
    }

    /// What it grew by counts no more.
    pub(crate) fn give_back_charges(&mut self) {
        let Self { attributes, events, links, .. } = self;
        for charge in [&mut attributes.charge, &mut events.charge, &mut links.charge] {
            *charge = Charge::default();
        }
    }

    pub(crate) fn is_worth_keeping(&self) -> bool {
        self.capacity() <= POOLED_BYTES
    }

    /// The memory a scratch holds, for the limit on live spans.
    pub(crate) fn capacity(&self) -> usize {
        self.name.capacity()
            + self.status.message.capacity()
            + self.attributes.capacity()
            + self.events.bytes.capacity()
            + self.links.bytes.capacity()
            + self.nested.capacity()
    }
}

/// Encoded key/values under one tag, and where each begins.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    bytes: Vec<u8>,
    index: Vec<Entry>,
    /// Keys refused at the limit, or empty.
    pub(crate) dropped: u32,
    dead_bytes: usize,
    dead: u32,
    charge: Charge,
}

/// What [`Attributes::set`] obeys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) count: u32,
    pub(crate) value_length: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    fingerprint: u32,
    offset: u32,
    length: u32,
    key_length: u32,
    dead: bool,
}

impl Attributes {
    fn with_room() -> Self {
        Self { bytes: Vec::with_capacity(256), index: Vec::with_capacity(8), ..Self::default() }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.index.clear();
        self.dropped = 0;
        self.dead_bytes = 0;
        self.dead = 0;
    }

    /// Sets `key`, replacing what it held; a new key at the limit, or an empty one, is counted.
    /// Adds to `redacted` how many texts were replaced.
    #[inline(always)]
    pub(crate) fn set(
        &mut self,
        tag: u8,
        key: &str,
        value: &Value<'_>,
        (limits, rules): (Limit, &Rules),
        redacted: &mut u32,
    ) {
        let fingerprint = fingerprint(key.as_bytes());
        if !self.set_short(tag, (key, fingerprint), value, limits, rules) {
            *redacted += self.set_any(tag, (key, fingerprint), value, limits, rules);
        }
    }

    /// The usual case, inlined where the key and the kind of value are known: a new key that is
    /// known to be harmless, a short value, and room for both. `false`: it is another case, and
    /// nothing has happened.
    #[inline(always)]
    fn set_short(
        &mut self,
        tag: u8,
        (key, fingerprint): (&str, u32),
        value: &Value<'_>,
        limits: Limit,
        rules: &Rules,
    ) -> bool {
        let Some(length) = encode::short_length(key, value) else { return false };
        let offset = self.bytes.len();
        let room =
            self.bytes.capacity() - offset >= length && self.index.len() < self.index.capacity();
        let allowed =
            (self.index.len() as u32) < limits.count && limits.value_length >= encode::SHORT;
        if !room || !allowed || !rules.passes(key, fingerprint, value) {
            return false;
        }
        if self.index.iter().any(|entry| entry.fingerprint == fingerprint) {
            return false;
        }
        encode::short_attribute(&mut self.bytes, tag, key, value, length);
        self.index.push(Entry {
            fingerprint,
            offset: offset as u32,
            length: length as u32,
            key_length: key.len() as u32,
            dead: false,
        });
        true
    }

    #[inline(never)]
    fn set_any(
        &mut self,
        tag: u8,
        (key, fingerprint): (&str, u32),
        value: &Value<'_>,
        limits: Limit,
        rules: &Rules,
    ) -> u32 {
        let old = self.find(fingerprint, key);
        let refused = old.is_none() && (self.live() >= limits.count || key.is_empty());
        let offset = self.bytes.len();
        let appended =
            if refused { None } else { self.append(tag, (key, fingerprint), value, limits, rules) };
        let Some(redacted) = appended.filter(|_| fits(&mut self.charge, &mut self.bytes, offset))
        else {
            self.dropped += 1;
            return 0;
        };
        self.index.push(Entry {
            fingerprint,
            offset: offset as u32,
            length: (self.bytes.len() - offset) as u32,
            key_length: key.len() as u32,
            dead: false,
        });
        if let Some(old) = old {
            self.replaced(old, limits.count);
        }
        redacted
    }

    /// Appends the pair without what must not be sent, and tells how many texts were replaced;
    /// `None` when it is too large.
    fn append(
        &mut self,
        tag: u8,
        (key, fingerprint): (&str, u32),
        value: &Value<'_>,
        limits: Limit,
        rules: &Rules,
    ) -> Option<u32> {
        let length = limits.value_length;
        let (rules, class) = match rules.examine(key, fingerprint, value) {
            Examined::AsItIs => (None, Class::Plain),
            Examined::Parts(class) => (Some(rules), class),
            Examined::Text(text) => {
                let text = Value::Str(&text);
                return encode::attribute(&mut self.bytes, tag, key, &text, length).then_some(1);
            }
        };
        let treatment = Treatment { rules, class, length };
        encode::treated_attribute(&mut self.bytes, tag, key, value, treatment)
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity() + self.index.capacity() * size_of::<Entry>()
    }

    fn live(&self) -> u32 {
        self.index.len() as u32 - self.dead
    }

    /// Marks an entry dead. One key set a million times must not grow without bound.
    fn replaced(&mut self, old: usize, limit: u32) {
        self.index[old].dead = true;
        self.dead_bytes += self.index[old].length as usize;
        self.dead += 1;
        if self.dead > limit || self.dead_bytes > self.live_length() + SWEEP_BYTES {
            self.sweep();
        }
    }

    #[inline]
    fn find(&self, fingerprint: u32, key: &str) -> Option<usize> {
        self.index.iter().position(|entry| {
            entry.fingerprint == fingerprint
                && !entry.dead
                && entry.key_length as usize == key.len()
                && self.key(entry) == key.as_bytes()
        })
    }

    /// The key's bytes: after the pair's tag and length, the key's tag and length.
    fn key(&self, entry: &Entry) -> &[u8] {
        let pair = &self.bytes[entry.offset as usize..(entry.offset + entry.length) as usize];
        let pair_length_bytes = pair[1..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
        let key_length = entry.key_length as usize;
        let start = 1 + pair_length_bytes + 1 + encode::varint_length(key_length as u64);
        &pair[start..start + key_length]
    }

    /// The encoded pairs, each with its tag, in the order in which they were last set.
    pub(crate) fn live_pairs(&self) -> impl Iterator<Item = &[u8]> {
        let live = self.index.iter().filter(|entry| !entry.dead);
        live.map(|entry| &self.bytes[entry.offset as usize..(entry.offset + entry.length) as usize])
    }

    /// Closes the gaps.
    #[cold]
    fn sweep(&mut self) {
        let mut kept = 0_usize;
        let bytes = &mut self.bytes;
        self.index.retain_mut(|entry| {
            let from = entry.offset as usize;
            if !entry.dead {
                bytes.copy_within(from..from + entry.length as usize, kept);
                entry.offset = kept as u32;
                kept += entry.length as usize;
            }
            !entry.dead
        });
        bytes.truncate(kept);
        self.dead_bytes = 0;
        self.dead = 0;
    }

    pub(crate) fn live_length(&self) -> usize {
        self.bytes.len() - self.dead_bytes
    }

    #[inline]
    pub(crate) fn write_live(&self, out: &mut Writer<'_>) {
        if self.dead == 0 {
            out.bytes(&self.bytes);
            return;
        }
        for entry in self.index.iter().filter(|entry| !entry.dead) {
            out.bytes(&self.bytes[entry.offset as usize..(entry.offset + entry.length) as usize]);
        }
    }

    /// The encoded pairs without dead ones, and how many were refused.
    pub(super) fn settled(&mut self) -> (&[u8], u32) {
        if self.dead > 0 {
            self.sweep();
        }
        (&self.bytes, self.dropped)
    }
}

/// Pairs of a few keys, encoded beforehand.
#[cfg(feature = "tracing")]
#[derive(Debug)]
pub(super) struct Prepared {
    bytes: Box<[u8]>,
    fingerprints: Box<[u32]>,
    /// Nothing was left out.
    is_whole: bool,
    /// How many texts were replaced.
    pub(super) redacted: u32,
}

#[cfg(feature = "tracing")]
impl Prepared {
    pub(super) fn of(mut attributes: Attributes, redacted: u32) -> Self {
        let (bytes, dropped) = attributes.settled();
        let (bytes, is_whole) = (bytes.into(), dropped == 0);
        let fingerprints = attributes.index.iter().map(|entry| entry.fingerprint).collect();
        Self { bytes, fingerprints, is_whole, redacted }
    }
}

#[cfg(feature = "tracing")]
impl Attributes {
    /// Appends what was prepared. It is in no index: it has to be the last. `false`: one of its keys
    /// may be here already, or there is no room, and nothing has happened.
    #[inline]
    pub(super) fn append_prepared(&mut self, prepared: &Prepared, limit: Limit) -> bool {
        let Prepared { bytes, fingerprints, is_whole, .. } = prepared;
        let has_room = self.bytes.capacity() - self.bytes.len() >= bytes.len();
        let are_allowed = self.index.len() + fingerprints.len() <= limit.count as usize;
        let is_new = |entry: &Entry| !fingerprints.contains(&entry.fingerprint);
        let fits = *is_whole && self.dead == 0 && has_room && are_allowed;
        let fits = fits && self.index.iter().all(is_new);
        if fits {
            self.bytes.extend_from_slice(bytes);
        }
        fits
    }
}

/// Encoded events or links, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) bytes: Vec<u8>,
    count: u32,
    /// Refused at the limit, or for want of memory.
    pub(crate) dropped: u32,
    charge: Charge,
}

impl Records {
    fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
        self.dropped = 0;
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Adds one of about `length` bytes, or counts it out when a limit is reached.
    fn add(&mut self, limit: u32, length: usize, encode: impl FnOnce(&mut Vec<u8>)) {
        let before = self.bytes.len();
        let admitted = self.count < limit && before + length <= encode::MAX_RECORD;
        if admitted {
            encode(&mut self.bytes);
        }
        let kept = admitted && fits(&mut self.charge, &mut self.bytes, before);
        *(if kept { &mut self.count } else { &mut self.dropped }) += 1;
    }
}

/// Counts what the last value made the buffer grow by; takes it back when there is no memory.
#[inline]
fn fits(charge: &mut Charge, bytes: &mut Vec<u8>, before: usize) -> bool {
    let fits = charge.raise(bytes.capacity());
    if !fits {
        bytes.truncate(before);
        bytes.shrink_to(charge.covered());
    }
    fits
}

impl Scratch {
    #[inline(always)]
    pub(crate) fn set_attribute(&mut self, key: &str, value: &Value<'_>) {
        let Limits { attributes: count, value_length, .. } = *self.limits;
        let limit = Limit { count, value_length };
        let how = (limit, self.rules);
        self.attributes.set(tag::SPAN_ATTRIBUTE, key, value, how, &mut self.redacted);
    }

    /// Names it, without credentials if the name is a URL.
    #[inline(always)]
    pub(crate) fn set_name(&mut self, name: &str) {
        self.name.clear();
        if may_hold_url(name) {
            self.set_url_as_name(name);
        } else {
            self.name.push_str(name);
        }
    }

    #[cold]
    #[inline(never)]
    fn set_url_as_name(&mut self, name: &str) {
        let changed = self.rules.scrubbed(Class::Plain, "name", name);
        self.redacted += u32::from(changed.is_some());
        self.name.push_str(&redact::or_itself(changed, name));
    }

    pub(crate) fn set_status(&mut self, status: &Status<'_>) {
        let Status::Error(message) = status else { return self.status.set(status) };
        let changed = self.rules.message(message);
        self.redacted += u32::from(changed.is_some());
        self.status.set(&Status::Error(&redact::or_itself(changed, message)));
    }

    pub(crate) fn add_event(&mut self, time_ns: u64, name: &str, pairs: &[(&str, Value<'_>)]) {
        self.fill_nested(tag::EVENT_ATTRIBUTE, pairs, self.limits.attributes_per_event);
        let changed = self.rules.message(name);
        self.redacted += u32::from(changed.is_some());
        let name = redact::or_itself(changed, name);
        let (pairs, dropped) = self.nested.settled();
        let length = name.len() + pairs.len();
        self.events.add(self.limits.events, length, |bytes| {
            encode::event(bytes, time_ns, &name, pairs, dropped);
        });
    }

    pub(crate) fn add_link(&mut self, to: &encode::LinkTarget<'_>, pairs: &[(&str, Value<'_>)]) {
        self.fill_nested(tag::LINK_ATTRIBUTE, pairs, self.limits.attributes_per_link);
        let (pairs, dropped) = self.nested.settled();
        self.links.add(self.limits.links, pairs.len(), |bytes| {
            encode::link(bytes, to, pairs, dropped);
        });
    }

    fn fill_nested(&mut self, tag: u8, pairs: &[(&str, Value<'_>)], count: u32) {
        self.nested.clear();
        let limit = Limit { count, value_length: self.limits.value_length };
        for (key, value) in pairs {
            self.nested.set(tag, key, value, (limit, self.rules), &mut self.redacted);
        }
    }
}

/// The span's status, with pooled text.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    code: u8,
    message: String,
}

impl Outcome {
    fn clear(&mut self) {
        self.code = 0;
        self.message.clear();
    }

    /// `Ok` is final; `Unset` changes nothing; only an error carries a message.
    pub(crate) fn set(&mut self, status: &Status<'_>) {
        if self.code == Status::OK_CODE {
            return;
        }
        match status {
            Status::Unset => {}
            Status::Ok => {
                self.code = Status::OK_CODE;
                self.message.clear();
            }
            Status::Error(message) => {
                self.code = Status::ERROR_CODE;
                self.message.clear();
                self.message.push_str(message);
            }
        }
    }

    pub(crate) fn get(&self) -> Status<'_> {
        match self.code {
            Status::OK_CODE => Status::Ok,
            Status::ERROR_CODE => Status::Error(&self.message),
            _ => Status::Unset,
        }
    }

    /// An error without a word about the message.
    #[cfg(feature = "tracing")]
    pub(crate) fn mark_failed(&mut self) {
        if self.code != Status::OK_CODE {
            self.code = Status::ERROR_CODE;
        }
    }

    pub(crate) fn encoded_length(&self) -> usize {
        let message =
            if self.message.is_empty() { 0 } else { encode::field_length(self.message.len()) };
        message + if self.code == 0 { 0 } else { 2 }
    }

    pub(crate) fn encode(&self, out: &mut Writer<'_>) {
        if !self.message.is_empty() {
            out.field(0x12, self.message.as_bytes());
        }
        if self.code != 0 {
            out.byte(0x18);
            out.byte(self.code);
        }
    }
}

/// Enough to tell a handful of keys apart: both ends and the length. Equal ones are compared byte
/// by byte.
#[inline(always)]
pub(crate) fn fingerprint(key: &[u8]) -> u32 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let ends = if let (Some(first), Some(last)) = (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(23)
    } else if let (Some(first), Some(last)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
        u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
    } else {
        key.iter().fold(0, |ends, byte| ends << 8 | u64::from(*byte))
    };
    ((ends ^ key.len() as u64).wrapping_mul(MULTIPLIER) >> 32) as u32
}
