//! The providers that have a key, and the user's own endpoints.

use std::path::Path;

use exai_core::secret::SecretString;
use exai_providers::{EndpointSettings, HttpSettings, ModelOverride, VendorKind, ollama};
use exai_tools::VendorFact;
use serde::Deserialize;

use super::{
    inherited::{self, Inherited},
    keys,
    layers::{Found, Layers},
    paths,
    problems::Problems,
    vendors::{KNOWN, Known, Needs},
};

/// An entry of `[[endpoints]]` in the user's file.
#[derive(Debug, Deserialize)]
struct EndpointEntry {
    name: String,
    base_url: String,
    /// Name of the environment variable that holds the key: keys do not belong into a table of addresses.
    api_key_env: Option<String>,
    #[serde(default)]
    models: Vec<ModelEntry>,
    max_concurrency: Option<usize>,
}

/// The names of its fields.
const FIELDS: [&str; 5] = ["name", "base_url", "api_key_env", "models", "max_concurrency"];

/// A model of an endpoint: its name alone, or with what is known of it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ModelEntry {
    Name(String),
    Known(KnownModel),
}

#[derive(Debug, Deserialize)]
struct KnownModel {
    #[serde(alias = "model_name", alias = "name")]
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(alias = "context_window")]
    window: Option<u32>,
    #[serde(alias = "max_output_tokens")]
    max_output: Option<u32>,
}

/// The peer's file of custom models.
#[derive(Debug, Deserialize)]
struct ModelsFile {
    models: Vec<KnownModel>,
}

impl From<ModelEntry> for ModelOverride {
    fn from(entry: ModelEntry) -> Self {
        match entry {
            ModelEntry::Name(id) => Self::named(id),
            ModelEntry::Known(model) => Self::from(model),
        }
    }
}

impl From<KnownModel> for ModelOverride {
    fn from(model: KnownModel) -> Self {
        Self {
            aliases: model.aliases,
            window: model.window,
            max_output: model.max_output,
            ..Self::named(model.id)
        }
    }
}

/// Every endpoint that can be asked, and what users read about the others.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// In the order in which they are preferred.
    pub settings: Vec<EndpointSettings>,
    /// For `listmodels`.
    pub facts: Vec<VendorFact>,
    /// Those that are configured and cannot be used, with the reason.
    pub left_out: Vec<String>,
}

impl Endpoints {
    /// Reads all of them.
    #[must_use]
    pub fn read(layers: &Layers, allow_http: bool, problems: &mut Problems) -> Self {
        let mut endpoints = Self::default();
        for known in &KNOWN {
            endpoints.add_known(known, layers, problems);
        }
        endpoints.add_custom(layers, problems);
        for table in layers.tables("endpoints") {
            let mut wrong = Vec::new();
            if let Some(entry) = entry_of(table, layers.user_file(), &mut wrong) {
                check_entry(&entry, &endpoints.settings, allow_http, &mut wrong);
                if entry.max_concurrency == Some(0) {
                    problems.error(format!("endpoint `{}`: max_concurrency must be at least 1", entry.name));
                }
                if wrong.is_empty() {
                    endpoints.add_entry(entry, layers, problems);
                }
            }
            wrong.into_iter().for_each(|text| problems.error(text));
        }
        endpoints.leave_out_unusable(allow_http, problems);
        endpoints
    }

    /// An endpoint that cannot be used is reported and left out: one wrong address must not keep the server from starting.
    fn leave_out_unusable(&mut self, allow_http: bool, problems: &mut Problems) {
        let (facts, left_out) = (&mut self.facts, &mut self.left_out);
        self.settings.retain(|endpoint| {
            let http = HttpSettings { allow_insecure: allow_http, ..HttpSettings::default() };
            let Err(error) = exai_providers::build(vec![endpoint.clone()], http) else {
                return true;
            };
            let told = format!("endpoint `{}` is not used: {error}", endpoint.id);
            problems.error(told.clone());
            left_out.push(told);
            if let Some(fact) = facts.iter_mut().find(|fact| fact.id == endpoint.id.as_str()) {
                fact.configured = false;
                fact.how = format!("not used: {error}");
            }
            false
        });
    }

    fn add_known(&mut self, known: &Known, layers: &Layers, problems: &mut Problems) {
        let (key, url) = (layers.look_up(known.key), layers.look_up(known.url));
        let models = known.models.map(|models| layers.look_up(models).value).unwrap_or_default();
        let (has_key, has_url) = (!key.value.is_empty(), !url.value.is_empty());
        let configured = match known.needs {
            Needs::Key => has_key,
            Needs::KeyAndUrl => has_key && has_url,
            Needs::Anything => has_url || !models.is_empty(),
        };
        if known.needs == Needs::KeyAndUrl && has_key != has_url {
            problems.warn(format!("{} is not used: {}", known.title, known.how()));
        }
        let inherited = if configured { inherited::of(known, layers, problems) } else { None };
        let configured = configured && !matches!(inherited, Some(Inherited::KeyAndAddress(_)));
        let is_last_resort = inherited.is_some();
        let how = match (inherited, known.needs) {
            (Some(Inherited::Key(why) | Inherited::KeyAndAddress(why)), _) => {
                problems.warn(format!("{}: {why}", known.title));
                why
            }
            (None, _) if !configured => known.how(),
            (None, Needs::Anything) if has_url => format!("address from {}", url.origin),
            (None, Needs::Anything) => "models are configured".to_owned(),
            (None, Needs::Key | Needs::KeyAndUrl) => format!("key from {}", key.origin),
        };
        self.facts.push(VendorFact {
            id: known.id.to_owned(),
            title: known.title.to_owned(),
            configured,
            how,
        });
        if !configured {
            check_unused(known, &url, problems);
            return;
        }
        let address = if known.id == "ollama" { ollama::address(&url.value) } else { Ok(url.value.clone()) };
        let address = match address {
            Ok(address) => address,
            Err(problem) => {
                let told = format!("endpoint `{}` is not used: {problem} ({})", known.id, url.origin);
                problems.error(told.clone());
                self.left_out.push(told);
                if let Some(fact) = self.facts.last_mut() {
                    fact.configured = false;
                    fact.how = format!("not used: {problem}");
                }
                return;
            }
        };
        self.settings.push(EndpointSettings {
            base_url: Some(address).filter(|url| !url.is_empty()),
            key_origin: if has_key {
                key.origin.to_string()
            } else {
                format!("{} (not set)", known.key.first_name())
            },
            key: has_key.then(|| SecretString::from(key.value)),
            models: names(&models).map(ModelOverride::named).collect(),
            is_last_resort,
            ..EndpointSettings::new(known.id.into(), known.kind)
        });
    }

    fn add_custom(&mut self, layers: &Layers, problems: &mut Problems) {
        let url = layers.look_up(&keys::CUSTOM_URL);
        let configured = !url.value.is_empty();
        let how = if configured {
            format!("address from {}", url.origin)
        } else {
            format!("set {}", keys::CUSTOM_URL.first_name())
        };
        let title = "Any OpenAI-compatible endpoint".to_owned();
        self.facts.push(VendorFact { id: "custom".to_owned(), title, configured, how });
        if !configured {
            return;
        }
        let Found { value: key, origin } = layers.look_up(&keys::CUSTOM_KEY);
        let model = layers.look_up(&keys::CUSTOM_MODEL).value;
        let mut models = models_file(layers, problems);
        if !model.is_empty() {
            // The model that was named is the one to use, so it stands first.
            let at = models.iter().position(|known| known.id.eq_ignore_ascii_case(&model));
            let named = at.map_or_else(|| ModelOverride::named(model), |at| models.remove(at));
            models.insert(0, named);
        }
        self.settings.push(EndpointSettings {
            base_url: Some(url.value),
            key_origin: if key.is_empty() {
                format!("{} (not set)", keys::CUSTOM_KEY.first_name())
            } else {
                origin.to_string()
            },
            key: (!key.is_empty()).then(|| SecretString::from(key)),
            models,
            ..EndpointSettings::new("custom".into(), VendorKind::Custom)
        });
    }

    fn add_entry(&mut self, entry: EndpointEntry, layers: &Layers, problems: &mut Problems) {
        let key = entry.api_key_env.as_deref().map(|name| (name, layers.secret_variable(name)));
        if let Some((name, None)) = &key {
            problems.warn(format!("endpoint `{}`: {name} is not set, so no key is sent", entry.name));
        }
        let how = format!("address from {}", layers.user_file().display());
        self.facts.push(VendorFact {
            id: entry.name.clone(),
            title: entry.name.clone(),
            configured: true,
            how,
        });
        self.settings.push(EndpointSettings {
            base_url: Some(entry.base_url),
            key_origin: key
                .as_ref()
                .map_or_else(|| "no key configured".to_owned(), |(name, _)| format!("environment {name}")),
            key: key.and_then(|(_, value)| value).map(SecretString::from),
            models: entry.models.into_iter().map(ModelOverride::from).collect(),
            max_concurrency: entry.max_concurrency.filter(|most| *most > 0),
            ..EndpointSettings::new(entry.name.as_str().into(), VendorKind::Custom)
        });
    }
}

/// An entry as it is written; `None` when it lacks what makes one. All names in it that mean nothing are mistakes.
fn entry_of(table: &toml::Table, file: &Path, wrong: &mut Vec<String>) -> Option<EndpointEntry> {
    let place = format!("{}: an entry of [[endpoints]]", file.display());
    let (known, unknown): (toml::Table, toml::Table) =
        table.clone().into_iter().partition(|(name, _)| FIELDS.contains(&name.as_str()));
    wrong.extend(
        unknown
            .keys()
            .map(|name| format!("{place}: unknown field `{name}`, expected one of {}", FIELDS.join(", "))),
    );
    let entry = known.try_into::<EndpointEntry>();
    entry.map_err(|error| wrong.push(format!("{place}: {}", error.message()))).ok()
}

/// Everything that keeps an entry from being used: no mistake hides the next.
fn check_entry(
    entry: &EndpointEntry,
    others: &[EndpointSettings],
    allow_http: bool,
    wrong: &mut Vec<String>,
) {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    let is_name = !entry.name.is_empty() && entry.name.chars().all(is_part);
    if !is_name {
        wrong.push(format!(
            "endpoint `{}`: a name is made of lower-case letters, digits, - and _",
            entry.name
        ));
    }
    if others.iter().any(|known| known.id.as_str() == entry.name) {
        wrong.push(format!("endpoint `{}` is configured twice", entry.name));
    }
    // The address of an entry without other mistakes is checked where it is put to use.
    if !wrong.is_empty() {
        let settings = EndpointSettings {
            base_url: Some(entry.base_url.clone()),
            ..EndpointSettings::new(entry.name.as_str().into(), VendorKind::Custom)
        };
        let http = HttpSettings { allow_insecure: allow_http, ..HttpSettings::default() };
        wrong.extend(exai_providers::build(vec![settings], http).err().map(|error| error.to_string()));
    }
}

/// An address that nobody asks, because its key is missing, is wrong all the same.
fn check_unused(known: &Known, url: &Found, problems: &mut Problems) {
    if url.value.is_empty() {
        return;
    }
    let settings = EndpointSettings {
        base_url: Some(url.value.clone()),
        ..EndpointSettings::new(known.id.into(), known.kind)
    };
    let http = HttpSettings { allow_insecure: true, ..HttpSettings::default() };
    if let Err(error) = exai_providers::build(vec![settings], http) {
        problems.error(format!("{} (from {}): {error}", known.url.path, url.origin));
    }
}

/// Names in a text, separated by commas.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn models_file(layers: &Layers, problems: &mut Problems) -> Vec<ModelOverride> {
    let Some(path) = paths::path_of(layers, &keys::CUSTOM_MODELS_FILE, problems) else { return Vec::new() };
    let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
    let parsed =
        read.and_then(|text| serde_json::from_str::<ModelsFile>(&text).map_err(|error| error.to_string()));
    match parsed {
        Ok(file) => file.models.into_iter().map(ModelOverride::from).collect(),
        Err(error) => {
            problems.error(format!("{} ({}): {error}", keys::CUSTOM_MODELS_FILE.path, path.display()));
            Vec::new()
        }
    }
}
