//! Images of a call: which model may see them, and how they become parts of its message.

use exai_context::{
    evidence::{FileReport, FileStatus},
    files as context,
};
use exai_core::chat::Part;

use crate::{call::Call, error::EngineError};

/// Estimated tokens of one image; providers count between some 250 and 1,600 by size.
pub(crate) const IMAGE_TOKENS: u32 = 1_000;

/// Images ready to be sent.
#[derive(Debug, Default)]
pub(crate) struct Images {
    /// In the order in which they were named.
    pub parts: Vec<Part>,
    /// What happened to each.
    pub report: Vec<FileReport>,
}

impl Images {
    /// Estimated tokens of all of them.
    pub(crate) fn tokens(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX).saturating_mul(IMAGE_TOKENS)
    }
}

/// Reads `wanted`, off the async threads. An image of this very call that cannot be given is an error: an answer without it would
/// be about something else. One that an `earlier` step named is reported.
pub(crate) async fn read(wanted: &[String], earlier: &[String], call: &Call) -> Result<Images, EngineError> {
    let all: Vec<(String, bool)> = wanted
        .iter()
        .map(|image| (image.clone(), true))
        .chain(earlier.iter().filter(|image| !wanted.contains(image)).map(|image| (image.clone(), false)))
        .collect();
    if all.is_empty() {
        return Ok(Images::default());
    }
    let roots = call.roots.roots().await;
    let work = tokio::task::spawn_blocking(move || {
        let mut images = Images::default();
        for (written, is_new) in all {
            let name = shown(&written);
            let (status, reason, tokens) = match context::image(&roots, &written) {
                Ok(data_url) => {
                    images.parts.push(Part::Image { data_url: data_url.into() });
                    (FileStatus::Included, None, IMAGE_TOKENS)
                }
                Err(rejection) if is_new => {
                    return Err(EngineError::invalid("images", format!("{name}: {rejection}")));
                }
                Err(rejection) => (rejection.status(), Some(rejection.to_string()), 0),
            };
            images.report.push(FileReport::new(name, status, reason, tokens));
        }
        Ok(images)
    });
    work.await.map_err(|error| EngineError::Internal {
        what: "reading the pictures failed".to_owned(),
        source: Some(Box::new(error)),
    })?
}

/// A path as it is; a `data:` URL without its data.
fn shown(written: &str) -> String {
    match written.split_once(',') {
        Some((header, _)) if written.starts_with("data:") => format!("{header},…"),
        _ => written.to_owned(),
    }
}
