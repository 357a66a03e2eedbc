//! The letters under which the models of a consensus see each other. A letter belongs to a place on the roster, so that it means the
//! same model to all of them, in every call.

use super::Voice;

/// The letter of a place on the roster.
pub(super) fn letter(place: usize) -> char {
    ('A'..='Z').nth(place).unwrap_or('?')
}

/// Whom the letters stand for: every voice that took part in the second round, or was shown there. Empty before that round.
pub(super) fn letters(voices: &[Voice]) -> Vec<(char, String)> {
    if voices.iter().all(|voice| voice.critique.is_none()) {
        return Vec::new();
    }
    let was_shown =
        |voice: &Voice| voice.opinion.as_ref().is_some_and(|spoken| spoken.ballot.vote().is_some());
    let twice = |voice: &Voice| voices.iter().filter(|other| other.name == voice.name).count() > 1;
    let shown = voices.iter().enumerate().filter(|(_, voice)| was_shown(voice));
    shown
        .map(|(place, voice)| {
            let stance = voice.stance.as_str();
            // A model that was asked with two stances is two voices.
            let name =
                if twice(voice) { format!("{} (stance: {stance})", voice.name) } else { voice.name.clone() };
            (letter(place), name)
        })
        .collect()
}
