//! How long a vendor asks to wait: in headers, or in the text of its error.

use std::time::Duration;

use chrono::DateTime;
use exai_core::Timestamp;
use reqwest::header::HeaderMap;

/// Longer waits are mistakes or mean "never"; what to do with a long one is the engine's matter.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// Headers first, because they are made for this; then the text. `now` is when the reply came, by our clock.
pub(super) fn read(
    headers: Option<&HeaderMap>,
    text: Option<&str>,
    now: Option<Timestamp>,
) -> Option<Duration> {
    let by_headers = headers.and_then(|headers| from_headers(headers, now));
    by_headers.or_else(|| text.and_then(from_text)).filter(|wait| *wait <= LONGEST)
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
    // A date is compared with the reply's own `Date`: both come from the same clock. Without it there is only ours.
    let until = DateTime::parse_from_rfc2822(value).ok()?.timestamp_millis();
    let said = text("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let now = said.map(|date| date.timestamp_millis()).or(now.map(|now| now.0))?;
    u64::try_from(until.saturating_sub(now)).ok().map(Duration::from_millis).or(Some(Duration::ZERO))
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
            let wait = read(None, Some(text), None).map(|wait| wait.as_millis());
            assert_eq!(wait, milliseconds, "{text}");
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
            (vec![("retry-after", "-3")], None),
            (vec![("retry-after", "soon")], None),
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
            let wait = read(Some(&headers(&pairs)), None, Some(Timestamp(now))).map(|wait| wait.as_millis());
            assert_eq!(wait, milliseconds, "{pairs:?}");
        }
    }
}
