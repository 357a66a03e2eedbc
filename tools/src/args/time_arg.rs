//! Points in time as callers write them: a date, a date with a time, or a span back from now.

use chrono::{DateTime, Days, NaiveDate, NaiveTime};
use exai_core::Timestamp;
use exai_engine::EngineError;

const FORMS: &str =
    "write a date such as 2026-01-31, a moment such as 2026-01-31T08:00:00Z, or a span such as 24h or 7d";

/// The first moment of a wanted span.
pub(crate) fn since(field: &'static str, text: &str, now: Timestamp) -> Result<Timestamp, EngineError> {
    span(text)
        .map(|millis| now.plus_millis(-millis))
        .or_else(|| moment(text, false))
        .ok_or_else(|| wrong(field, text))
}

/// The end of a wanted span; a date stands for the end of that day.
pub(crate) fn until(field: &'static str, text: &str, now: Timestamp) -> Result<Timestamp, EngineError> {
    span(text)
        .map(|millis| now.plus_millis(-millis))
        .or_else(|| moment(text, true))
        .ok_or_else(|| wrong(field, text))
}

fn wrong(field: &'static str, text: &str) -> EngineError {
    EngineError::invalid(
        field,
        format!("`{}` is no moment; {FORMS}", text.chars().take(40).collect::<String>()),
    )
}

/// Milliseconds of `90m`, `24h`, `7d`, `2w`.
fn span(text: &str) -> Option<i64> {
    let text = text.trim();
    let unit = text.chars().last()?;
    let minutes: i64 = match unit.to_ascii_lowercase() {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return None,
    };
    let count: i64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    (count >= 0).then(|| count.saturating_mul(minutes).saturating_mul(60_000))
}

fn moment(text: &str, end_of_day: bool) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp(moment.timestamp_millis()));
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let day = if end_of_day { day.checked_add_days(Days::new(1))? } else { day };
    Some(Timestamp(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_moments_and_spans_are_understood() {
        let now = Timestamp(1_767_268_800_000);
        let of = |text: &str| since("since", text, now).unwrap().to_rfc3339();
        assert_eq!(of("2026-01-01"), "2026-01-01T00:00:00Z");
        assert_eq!(of("2026-01-01T06:00:00+02:00"), "2026-01-01T04:00:00Z");
        assert_eq!(of("36h"), "2025-12-31T00:00:00Z");
        assert_eq!(of(" 1W "), "2025-12-25T12:00:00Z");
        assert_eq!(until("until", "2026-01-01", now).unwrap().to_rfc3339(), "2026-01-02T00:00:00Z");
        for bad in ["soon", "", "-3d", "2026-13-01", "d"] {
            let told = since("since", bad, now).unwrap_err().to_string();
            assert!(told.starts_with("since: `") && told.contains("7d"), "{told}");
        }
    }
}
