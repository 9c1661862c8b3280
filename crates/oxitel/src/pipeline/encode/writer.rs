//! Bytes at the end of a vector, into space reserved once. Debug builds (all tests) check every
//! write against the reserved length.

/// How many bytes `value` takes as a varint.
#[inline(always)]
pub(crate) const fn varint_length(value: u64) -> usize {
    // 7 bits a byte: (bits * 9 + 64) / 64 is the division by 7, rounded up, for 1..=64.
    ((64 - (value | 1).leading_zeros() as usize) * 9 + 64) / 64
}

/// How many bytes a length-delimited field of `length` bytes takes, with a one-byte tag.
#[inline(always)]
pub(crate) const fn field_length(length: usize) -> usize {
    // Saturating: lists may share their items, and then lengths beyond all memory.
    length.saturating_add(1 + varint_length(length as u64))
}

/// Writes at the end of a vector, into space reserved once.
pub(crate) struct Writer<'a> {
    target: &'a mut Vec<u8>,
    at: *mut u8,
    #[cfg(debug_assertions)]
    end: *mut u8,
}

impl<'a> Writer<'a> {
    /// Space for `length` bytes; writing more is a bug that debug builds catch.
    #[inline(always)]
    pub(crate) fn reserve(target: &'a mut Vec<u8>, length: usize) -> Self {
        if target.capacity() - target.len() < length {
            grow(target, length);
        }
        // SAFETY: the capacity was just ensured, so the pointer stays inside the allocation.
        let at = unsafe { target.as_mut_ptr().add(target.len()) };
        Self {
            at,
            #[cfg(debug_assertions)]
            end: at.wrapping_add(length),
            target,
        }
    }

    #[inline(always)]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.check(bytes.len());
        // SAFETY: `reserve` made room for everything written; `bytes` cannot overlap it, since
        // the writer holds the only reference to the target.
        unsafe {
            copy(bytes.as_ptr(), self.at, bytes.len());
            self.at = self.at.add(bytes.len());
        }
    }

    #[inline(always)]
    pub(crate) fn byte(&mut self, byte: u8) {
        self.check(1);
        // SAFETY: as in `bytes`.
        unsafe {
            *self.at = byte;
            self.at = self.at.add(1);
        }
    }

    #[inline(always)]
    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    /// Tag and length of a field whose content follows.
    #[inline(always)]
    pub(crate) fn open(&mut self, tag: u8, length: usize) {
        self.byte(tag);
        self.varint(length as u64);
    }

    #[inline(always)]
    pub(crate) fn field(&mut self, tag: u8, content: &[u8]) {
        self.open(tag, content.len());
        self.bytes(content);
    }

    /// Makes what was written part of the vector.
    #[inline(always)]
    pub(crate) fn finish(self) {
        let base = self.target.as_ptr();
        // SAFETY: both pointers belong to the target's allocation, and every byte up to `at` has
        // been written.
        unsafe {
            let length = self.at.offset_from_unsigned(base);
            self.target.set_len(length);
        }
    }

    #[inline(always)]
    #[cfg_attr(not(debug_assertions), expect(unused_variables, reason = "checked in debug builds"))]
    fn check(&self, length: usize) {
        #[cfg(debug_assertions)]
        assert!(self.at.wrapping_add(length) <= self.end, "the reserved length was too small");
    }
}

/// Copies without a call what most keys and values are: a few bytes. Longer than one word, two
/// words that overlap in the middle cover every length up to twice theirs.
///
/// # Safety
/// As `copy_nonoverlapping`: `from` and `to` are valid for `length` bytes and do not overlap.
#[inline(always)]
unsafe fn copy(from: *const u8, to: *mut u8, length: usize) {
    /// Both ends of the range, as one word each.
    #[inline(always)]
    unsafe fn ends<W: Copy>(from: *const u8, to: *mut u8, length: usize) {
        let last = length - size_of::<W>();
        // SAFETY: the caller's range is at least one word long; `last` is its last word's place.
        unsafe {
            let head = from.cast::<W>().read_unaligned();
            let tail = from.add(last).cast::<W>().read_unaligned();
            to.cast::<W>().write_unaligned(head);
            to.add(last).cast::<W>().write_unaligned(tail);
        }
    }
    // SAFETY: each arm stays inside the range, as its bounds say.
    unsafe {
        match length {
            0 => {}
            1..=3 => {
                *to = *from;
                *to.add(length / 2) = *from.add(length / 2);
                *to.add(length - 1) = *from.add(length - 1);
            }
            4..=7 => ends::<u32>(from, to, length),
            8..=16 => ends::<u64>(from, to, length),
            17..=32 => ends::<u128>(from, to, length),
            _ => std::ptr::copy_nonoverlapping(from, to, length),
        }
    }
}

#[cold]
#[inline(never)]
fn grow(target: &mut Vec<u8>, length: usize) {
    target.reserve(length);
}

/// Appends a length-delimited field.
pub(crate) fn message(target: &mut Vec<u8>, tag: u8, content: &[u8]) {
    let mut writer = Writer::reserve(target, field_length(content.len()));
    writer.field(tag, content);
    writer.finish();
}
