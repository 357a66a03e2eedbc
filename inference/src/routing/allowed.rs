//! Which models may be asked at all, by patterns of the user: `glm/*`, `*/gpt-6*`, `kimi-k3`.

use exai_core::model::ModelSpec;

/// Patterns that let models through and patterns that keep them out. Without any, all may be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// When there are any, a model must match one.
    pub allow: Vec<String>,
    /// A model that matches one of these is not asked, whatever else it matches.
    pub deny: Vec<String>,
}

impl Allowed {
    /// Whether a model may be asked; the pattern or the setting that keeps it out otherwise.
    ///
    /// # Errors
    /// What keeps it out, in words.
    pub fn check(&self, model: &ModelSpec) -> Result<(), String> {
        if let Some(pattern) = self.deny.iter().find(|pattern| fits(pattern, model)) {
            return Err(format!("`{pattern}` of models.deny"));
        }
        if self.allow.is_empty() || self.allow.iter().any(|pattern| fits(pattern, model)) {
            return Ok(());
        }
        Err("models.allow, which does not name it".to_owned())
    }
}

/// A pattern with a slash is for `provider/model`, one without for the model alone; `*` stands for anything. Without case.
fn fits(pattern: &str, model: &ModelSpec) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let id = model.id.as_str().to_ascii_lowercase();
    if matches(&pattern, &model.qualified().to_ascii_lowercase()) {
        return true;
    }
    matches(&pattern, &id)
}

fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_models() {
        let model = ModelSpec::unknown("glm".into(), "GLM-5.3-flash".into(), None);
        for pattern in [
            "glm/*",
            "glm-5.3-flash",
            "*",
            "*/glm-5*",
            "GLM-5*",
            "glm/glm-5.3-flash",
            "*flash",
            "glm-*-flash",
        ] {
            assert!(fits(pattern, &model), "{pattern}");
        }
        for pattern in ["kimi/*", "glm-5.3", "glm-5", "", "*flashx", "glm/"] {
            assert!(!fits(pattern, &model), "{pattern}");
        }
    }

    #[test]
    fn a_denied_model_stays_denied() {
        let model = ModelSpec::unknown("glm".into(), "glm-5.3".into(), None);
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(Allowed::default().check(&model), Ok(()));
        assert_eq!(
            Allowed { allow: list(&["glm/*"]), deny: list(&["*5.3"]) }.check(&model),
            Err("`*5.3` of models.deny".to_owned())
        );
        assert!(Allowed { allow: list(&["kimi/*"]), deny: Vec::new() }.check(&model).is_err());
    }
}
