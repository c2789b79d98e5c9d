//! The virtual clock: real time plus an offset, always running.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// Latest moment that may be set: tokens carry their expiry in 32 bits.
const LATEST: i64 = 4_200_000_000;
/// Said when a moment is refused.
pub(crate) const RULE: &str = "must be unix seconds between 0 and 4200000000";
/// The portal's own time zone.
const ZONE: Offset = Offset::constant(3);

/// Whether the virtual clock may show this unix second.
pub(crate) fn is_valid(seconds: i64) -> bool {
    (0..=LATEST).contains(&seconds)
}

/// Virtual time. All moments inside the emulator come from here.
pub(crate) struct Clock {
    offset_micros: AtomicI64,
    start: Option<i64>,
}

impl Clock {
    /// A clock that starts at `start` unix seconds, or shows real time.
    pub(crate) fn new(start: Option<i64>) -> Self {
        let clock = Self { offset_micros: AtomicI64::new(0), start };
        clock.reset();
        clock
    }

    /// Back to the start.
    pub(crate) fn reset(&self) {
        let offset = self.start.map_or(0, |start| start * 1_000_000 - real_micros());
        self.offset_micros.store(offset, Ordering::SeqCst);
    }

    /// Microseconds since the epoch.
    pub(crate) fn micros(&self) -> i64 {
        real_micros() + self.offset_micros.load(Ordering::SeqCst)
    }

    /// Whole seconds since the epoch.
    pub(crate) fn now(&self) -> i64 {
        self.micros().div_euclid(1_000_000)
    }

    /// Seconds between virtual and real time.
    pub(crate) fn offset(&self) -> i64 {
        self.offset_micros.load(Ordering::SeqCst).div_euclid(1_000_000)
    }

    /// Shows `target` microseconds from now on; `false` when that is out of range.
    pub(crate) fn set_micros(&self, target: i64) -> bool {
        let valid = is_valid(target.div_euclid(1_000_000));
        if valid {
            self.offset_micros.store(target - real_micros(), Ordering::SeqCst);
        }
        valid
    }
}

impl Clock {
    /// Turns the clock on by microseconds, as far as it goes.
    pub(crate) fn advance(&self, micros: i64) {
        if micros > 0 && is_valid(self.micros().saturating_add(micros).div_euclid(1_000_000)) {
            self.offset_micros.fetch_add(micros, Ordering::SeqCst);
        }
    }
}

fn real_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX / 2)
}

fn local(seconds: i64) -> DateTime {
    ZONE.to_datetime(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH))
}

fn push_number(out: &mut Vec<u8>, value: i32, width: usize) {
    let mut digits = [b'0'; 10];
    let mut rest = value.unsigned_abs();
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    out.extend_from_slice(&digits[digits.len() - width..]);
}

fn push_date(out: &mut Vec<u8>, date: Date) {
    push_number(out, i32::from(date.year()), 4);
    out.push(b'-');
    push_number(out, i32::from(date.month()), 2);
    out.push(b'-');
    push_number(out, i32::from(date.day()), 2);
}

fn push_time(out: &mut Vec<u8>, at: DateTime) {
    for (index, part) in [at.hour(), at.minute(), at.second()].into_iter().enumerate() {
        if index > 0 {
            out.push(b':');
        }
        push_number(out, i32::from(part), 2);
    }
}

/// Appends ISO 8601 with the portal's offset: `2026-05-23T18:18:25+03:00`.
pub(crate) fn write_iso(out: &mut Vec<u8>, seconds: i64) {
    let at = local(seconds);
    push_date(out, at.date());
    out.push(b'T');
    push_time(out, at);
    out.extend_from_slice(b"+03:00");
}

/// ISO 8601 as a string.
pub(crate) fn iso(seconds: i64) -> String {
    let mut out = Vec::with_capacity(25);
    write_iso(&mut out, seconds);
    String::from_utf8(out).unwrap_or_default()
}

/// The `Date` header of an answer (RFC 9110, 5.6.7).
pub(crate) fn http_date(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let at =
        Offset::UTC.to_datetime(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH));
    let day = usize::try_from(at.weekday().to_monday_zero_offset()).unwrap_or(0);
    let month = usize::try_from(at.month() - 1).unwrap_or(0);
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        DAYS[day],
        at.day(),
        MONTHS[month],
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// Unix seconds of a date as people and clients write it: ISO 8601 with or without an offset (then the portal's),
/// a bare date, or the `DD.MM.YYYY` forms.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_second());
    }
    let civil = text
        .parse::<DateTime>()
        .or_else(|_| DateTime::strptime("%d.%m.%Y %H:%M:%S", text))
        .or_else(|_| Date::strptime("%d.%m.%Y", text).map(|date| date.at(0, 0, 0, 0)))
        .ok()?;
    ZONE.to_timestamp(civil).ok().map(|at| at.as_second())
}
