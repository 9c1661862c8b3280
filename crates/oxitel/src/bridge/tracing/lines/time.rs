//! RFC 3339 in UTC, to the microsecond.

use crate::bridge::tracing::console::date;

/// Appends the time, which is told in nanoseconds since 1970.
pub(super) fn write(line: &mut String, wall_ns: u64) {
    let seconds = wall_ns / 1_000_000_000;
    let (year, month, day) = date(seconds / 86_400);
    let parts = [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, seconds / 3_600 % 24),
        (14..16, seconds / 60 % 60),
        (17..19, seconds % 60),
        (20..26, wall_ns / 1_000 % 1_000_000),
    ];
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    for (place, number) in parts {
        digits(&mut text[place], number);
    }
    line.push_str(str::from_utf8(&text).unwrap_or_default());
}

fn digits(place: &mut [u8], mut number: u64) {
    for letter in place.iter_mut().rev() {
        *letter = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::write;

    #[test]
    fn every_time_has_the_same_form() {
        let table = [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_795_185_487_123_456_789, "2026-11-20T14:38:07.123456Z"),
            (951_827_696_000_000_999, "2000-02-29T12:34:56.000000Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551Z"),
        ];
        for (wall_ns, expected) in table {
            let mut line = String::new();
            write(&mut line, wall_ns);
            assert_eq!(line, expected);
        }
    }
}
