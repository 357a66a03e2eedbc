//! How long a vendor asks to wait: in headers, or in the text of its error.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDateTime, Utc};
use exai_core::Timestamp;
use reqwest::header::HeaderMap;

/// Longer waits are mistakes or mean "never"; what to do with a long one is the engine's matter.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// Headers first, because they are made for this; then the body's field for it, then its text. `now` is when the reply came, by our
/// clock.
pub(super) fn read(
    headers: Option<&HeaderMap>,
    field: Option<&str>,
    text: Option<&str>,
    now: Option<Timestamp>,
) -> Option<Duration> {
    let by_headers = headers.and_then(|headers| from_headers(headers, now));
    let by_field = || {
        let field = field?.trim().to_lowercase();
        field.parse().ok().and_then(seconds).or_else(|| duration(&field))
    };
    by_headers.or_else(by_field).or_else(|| text.and_then(from_text)).filter(|wait| *wait <= LONGEST)
}

fn from_headers(headers: &HeaderMap, now: Option<Timestamp>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(wait) =
        text("retry-after-ms").and_then(|ms| ms.parse::<f64>().ok()).and_then(|ms| seconds(ms / 1000.0))
    {
        return Some(wait);
    }
    let value = text("retry-after")?;
    if let Ok(number) = value.parse::<f64>() {
        return seconds(number);
    }
    if value.starts_with(|c: char| c.is_ascii_digit())
        && let Some(wait) = duration(&value.to_lowercase())
    {
        return Some(wait);
    }
    // A date is compared with the reply's own `Date`: both come from the same clock. Without it there is only ours.
    let until = date(value, now)?;
    let now = text("date").and_then(|said| date(said, now)).or(now.map(|now| now.0))?;
    u64::try_from(until.saturating_sub(now)).ok().map(Duration::from_millis).or(Some(Duration::ZERO))
}

/// A date of HTTP in any of its three forms (RFC 9110, section 5.6.7), or of RFC 3339, in milliseconds.
fn date(text: &str, now: Option<Timestamp>) -> Option<i64> {
    if let Ok(date) = DateTime::parse_from_rfc2822(text).or_else(|_| DateTime::parse_from_rfc3339(text)) {
        return Some(date.timestamp_millis());
    }
    if let Ok(date) = NaiveDateTime::parse_from_str(text, "%a %b %e %H:%M:%S %Y") {
        return Some(date.and_utc().timestamp_millis());
    }
    // RFC 850: the name of the day in full, and two digits of the year, which is no more than 50 years ahead.
    let (_, rest) = text.split_once(", ")?;
    let (day, clock) = rest.split_once(' ')?;
    let (day, year) = day.rsplit_once('-')?;
    let year: i32 = year.parse().ok().filter(|year| (0..100).contains(year))?;
    let this =
        now.and_then(|now| DateTime::<Utc>::from_timestamp_millis(now.0)).map_or(2_000, |now| now.year());
    let ahead = this - this.rem_euclid(100) + year;
    let year = if ahead > this + 50 { ahead - 100 } else { ahead };
    let written = format!("{day}-{year} {clock}");
    let date = NaiveDateTime::parse_from_str(&written, "%d-%b-%Y %H:%M:%S GMT").ok()?;
    Some(date.and_utc().timestamp_millis())
}

/// "try again in 20s", "after 3 seconds", "in 350ms", "in 6m0s".
fn from_text(text: &str) -> Option<Duration> {
    let text = text.to_lowercase();
    ["try again in ", "try again after ", "retry after ", "retry in ", "after "].iter().find_map(|phrase| {
        text.match_indices(phrase).find_map(|(at, _)| duration(text.get(at + phrase.len()..)?))
    })
}

/// A number with a unit, or several in a row. A bare number is no duration.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: Option<f64> = None;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Some(number) =
            rest.get(..digits).and_then(|number| number.trim_end_matches('.').parse::<f64>().ok())
        else {
            return total.and_then(seconds);
        };
        let after = rest.get(digits..)?.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let factor = match after.get(..letters)? {
            "ms" | "millisecond" | "milliseconds" => 0.001,
            "s" | "sec" | "second" | "seconds" => 1.0,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3600.0,
            _ => return total.and_then(seconds),
        };
        total = Some(total.unwrap_or(0.0) + number * factor);
        rest = after.get(letters..)?;
    }
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_their_wait_in_words() {
        for (text, milliseconds) in [
            ("Your organization reached max RPM, please try again after 1 seconds", Some(1000)),
            ("Rate limit reached. Please try again in 6m0s.", Some(360_000)),
            ("Please try again in 1.5s. Visit", Some(1500)),
            ("try again in 350ms", Some(350)),
            ("try again after 3 minutes", Some(180_000)),
            ("ended after 5 attempts", None),
            ("look after 5", None),
            ("try again in ", None),
            ("try again in 99999999999999999999999 h", None),
        ] {
            let wait = read(None, None, Some(text), None).map(|wait| wait.as_millis());
            assert_eq!(wait, milliseconds, "{text}");
        }
    }

    #[test]
    fn bodies_have_a_field_for_it() {
        for (field, milliseconds) in [
            ("34s", Some(34_000)),
            ("34.074824224s", Some(34_074)),
            ("12", Some(12_000)),
            ("0.5", Some(500)),
            ("soon", None),
        ] {
            let wait = read(None, Some(field), None, None).map(|wait| wait.as_millis());
            assert_eq!(wait, milliseconds, "{field}");
        }
    }

    #[test]
    fn headers_come_before_the_body() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        for (pairs, milliseconds) in [
            (vec![("retry-after", "7")], Some(7000)),
            (vec![("retry-after", "0.5")], Some(500)),
            (vec![("retry-after-ms", "250"), ("retry-after", "7")], Some(250)),
            (vec![("retry-after", "-3")], Some(9000)),
            (vec![("retry-after", "soon")], Some(9000)),
            (vec![], Some(9000)),
            (vec![("retry-after", "30s")], Some(30_000)),
            (vec![("retry-after", "1m30s")], Some(90_000)),
            (vec![("retry-after", "250ms")], Some(250)),
            (vec![("retry-after", "Wednesday, 18-Nov-26 10:00:30 GMT")], Some(33_000)),
            (vec![("retry-after", "Wed Nov 18 10:00:30 2026")], Some(33_000)),
            (vec![("retry-after", "Sun Nov  1 10:00:30 2026")], Some(0)),
            (vec![("retry-after", "2026-11-18T10:00:30Z")], Some(33_000)),
            (
                vec![
                    ("retry-after", "Wednesday, 18-Nov-26 10:00:30 GMT"),
                    ("date", "Wednesday, 18-Nov-26 10:00:10 GMT"),
                ],
                Some(20_000),
            ),
            (vec![("retry-after", "Sunday, 06-Nov-94 08:49:37 GMT")], Some(0)),
            (
                vec![
                    ("retry-after", "Wed, 18 Nov 2026 10:00:30 GMT"),
                    ("date", "Wed, 18 Nov 2026 10:00:00 GMT"),
                ],
                Some(30_000),
            ),
            (
                vec![
                    ("retry-after", "Wed, 18 Nov 2026 09:00:00 GMT"),
                    ("date", "Wed, 18 Nov 2026 10:00:00 GMT"),
                ],
                Some(0),
            ),
            // Ours says three seconds before ten.
            (vec![("retry-after", "Wed, 18 Nov 2026 10:00:30 GMT")], Some(33_000)),
            (vec![("retry-after", "Wed, 18 Nov 2026 10:00:30 GMT"), ("date", "today")], Some(33_000)),
            (vec![("retry-after", "Wed, 18 Nov 2026 09:59:00 GMT")], Some(0)),
        ] {
            let now = DateTime::parse_from_rfc3339("2026-11-18T09:59:57Z").unwrap().timestamp_millis();
            let wait = read(Some(&headers(&pairs)), Some("9s"), None, Some(Timestamp(now)))
                .map(|wait| wait.as_millis());
            assert_eq!(wait, milliseconds, "{pairs:?}");
        }
    }
}
