//! What differs between vendors, as data: a vendor is a value of [`Vendor`], not a type.

use exai_core::Kind;

use crate::{custom, glm, kimi, minimax, openai};

/// The dialects that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VendorKind {
    /// OpenAI.
    OpenAi,
    /// Z.ai, whose models are called GLM.
    Glm,
    /// Moonshot AI, whose models are called Kimi.
    Kimi,
    /// MiniMax.
    MiniMax,
    /// Anything else that speaks OpenAI's chat completions.
    Custom,
}

impl VendorKind {
    /// The vendors with an address of their own, in the order in which a default is looked for.
    pub const VENDORS: [Self; 4] = [Self::OpenAi, Self::Glm, Self::Kimi, Self::MiniMax];

    /// The name in settings and provider ids.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The vendor that a name means: ours or the company's (`zai`, `moonshot`), without case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::VENDORS.into_iter().chain([Self::Custom]).find(|kind| {
            let facts = kind.facts();
            facts.name.eq_ignore_ascii_case(name)
                || facts.other_names.iter().any(|other| other.eq_ignore_ascii_case(name))
        })
    }

    /// The vendor's own address.
    #[must_use]
    pub fn base_url(self) -> Option<&'static str> {
        self.facts().base_url
    }

    pub(crate) fn facts(self) -> &'static Vendor {
        match self {
            Self::OpenAi => &openai::VENDOR,
            Self::Glm => &glm::VENDOR,
            Self::Kimi => &kimi::VENDOR,
            Self::MiniMax => &minimax::VENDOR,
            Self::Custom => &custom::VENDOR,
        }
    }
}

/// The facts about a vendor.
pub(crate) struct Vendor {
    pub(crate) kind: VendorKind,
    pub(crate) name: &'static str,
    /// Names that mean the same, the catalogue's among them.
    pub(crate) other_names: &'static [&'static str],
    pub(crate) base_url: Option<&'static str>,
    /// Hosts that are the vendor's own, where its retired names may be mapped to their successors.
    pub(crate) hosts: &'static [&'static str],
    /// Put behind an address that names no version.
    pub(crate) version_path: &'static str,
    pub(crate) quirks: Quirks,
    /// What an error's `code`, `type` or status code of its own means.
    pub(crate) word: fn(&str) -> Option<Kind>,
}

/// Where chat completions differ.
pub(crate) struct Quirks {
    /// The field that caps the answer.
    pub(crate) output_cap: &'static str,
    pub(crate) sampling: Sampling,
    pub(crate) switch: ThinkingSwitch,
    /// Efforts of a model that takes an effort and whose own list is not known, weakest first.
    pub(crate) usual_efforts: &'static [&'static str],
    pub(crate) json: JsonMode,
    pub(crate) replay: Replay,
    pub(crate) web_search: WebSearch,
}

/// Which temperatures may be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sampling {
    /// Any.
    Free,
    /// Any, but none to a model that thinks.
    NotWhenThinking,
    /// None to models whose id begins so.
    NotForPrefix(&'static str),
    /// Moved into this range.
    Clamped(f32, f32),
}

/// How thinking is turned on and off where there is no effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ThinkingSwitch {
    /// Nothing is sent.
    Absent,
    /// `thinking.type` with this word for "on" and `disabled` for "off".
    Type(&'static str),
}

/// When `response_format: json_object` may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonMode {
    /// To models that can be held to an object or to a schema.
    ObjectOrSchema,
    /// To models that are known to take an object.
    ObjectOnly,
}

/// What the vendor wants back with the assistant's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replay {
    /// Nothing.
    Nothing,
    /// `reasoning_content`, as text.
    ReasoningContent,
    /// `reasoning_details`, as a list; asked for with `reasoning_split`.
    ReasoningDetails,
}

/// How a model is allowed to search the web within its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WebSearch {
    /// Not in chat completions.
    Absent,
    /// A tool of type `web_search` that the vendor runs itself, with this engine.
    Tool(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_has_its_company_name_too() {
        assert_eq!(VendorKind::from_name("ZAI"), Some(VendorKind::Glm));
        assert_eq!(VendorKind::from_name("glm"), Some(VendorKind::Glm));
        assert_eq!(VendorKind::from_name("moonshot"), Some(VendorKind::Kimi));
        assert_eq!(VendorKind::from_name("custom"), Some(VendorKind::Custom));
        assert_eq!(VendorKind::from_name("anthropic"), None);
    }

    #[test]
    fn facts_belong_to_their_vendor_and_hosts_contain_the_own_address() {
        for kind in VendorKind::VENDORS {
            let facts = kind.facts();
            assert_eq!(facts.kind, kind);
            let base = url::Url::parse(facts.base_url.unwrap()).unwrap();
            assert!(facts.hosts.contains(&base.host_str().unwrap()), "{}", facts.name);
        }
    }
}
