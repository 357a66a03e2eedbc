//! `[severity.words]`: a team's own words for severities.

use exai_core::Severity;
use exai_engine::reading::severity::SeverityWords;

use super::{clip, layers::Layers, problems::Problems};

/// Reads the words. One with an unknown severity is reported and left out.
pub(super) fn read(layers: &Layers, problems: &mut Problems) -> SeverityWords {
    let mut own = Vec::new();
    for (name, value) in layers.tables("severity").into_iter().flatten() {
        let Some(words) = value.as_table().filter(|_| name == "words") else {
            problems.error(format!("severity.{}: only the table [severity.words] belongs here", clip(name)));
            continue;
        };
        for (word, severity) in words {
            match severity.as_str().and_then(Severity::parse) {
                Some(severity) => own.push((word.clone(), severity)),
                None => problems.error(format!(
                    "severity.words: \"{}\" needs one of {}, got {}",
                    clip(word),
                    Severity::ALL.map(Severity::as_str).join(", "),
                    clip(&severity.to_string())
                )),
            }
        }
    }
    SeverityWords::with_own(own)
}
