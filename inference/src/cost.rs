//! What a request is likely to use and to cost, before it is sent, and whether what a vendor has counted can be true.

use exai_context::files::estimate_tokens_of_bytes;
use exai_core::{
    chat::{Part, PromptCut, Request, Usage},
    model::{Capability, ModelOrigin, ModelSpec},
};

/// Tokens of an answer before it is there, where the request sets no cap.
const USUAL_ANSWER: u32 = 4_096;
/// So many windows no honest count exceeds. A vendor that searches for its model counts every round of it.
const MOST_WINDOWS: u64 = 4;
const MOST_WINDOWS_SEARCHING: u64 = 40;
/// The largest window that is thinkable for a model of which it is not known.
const LARGEST_WINDOW: u32 = 20_000_000;
/// A vendor that counts fewer tokens than were sent by no more than this may just count otherwise.
const TOLERANCE: u64 = 2_000;
/// Tokens that an answer may have beside its text: signs that no vendor shows.
const SIGNS: u64 = 1_000;
/// The longest thought that is thinkable of a model of which nothing is known.
const LONGEST_THOUGHT: u32 = 1_000_000;
/// Bytes of ASCII in a token: more than in any usual text.
const ASCII_BYTES: u64 = 4;
/// Letters of other scripts in a token, likewise.
const OTHER_LETTERS: u64 = 4;

/// Tokens of so many bytes of text.
pub(crate) fn tokens_of(bytes: usize) -> u64 {
    u64::from(estimate_tokens_of_bytes(bytes as u64))
}

/// What a request and an answer of so many bytes use, for providers that report nothing.
pub(crate) fn estimated_usage(request: &Request, output_bytes: usize) -> Usage {
    let input: usize = texts(request).map(str::len).sum();
    Usage {
        input_tokens: tokens_of(input),
        output_tokens: tokens_of(output_bytes),
        estimated: true,
        ..Usage::default()
    }
}

/// Everything in a request that is text.
fn texts(request: &Request) -> impl Iterator<Item = &str> {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let texts = parts.filter_map(|part| match part {
        Part::Text { text } => Some(&**text),
        Part::ToolCall(call) => Some(call.arguments.as_str()),
        Part::ToolResult(result) => Some(result.content.as_str()),
        Part::Image { .. } | Part::Opaque { .. } | Part::File { .. } => None,
    });
    std::iter::once(&*request.system).chain(texts)
}

/// What a request is likely to cost with a model, in US dollars; `None` when its price is not known.
pub(crate) fn estimate(model: &ModelSpec, request: &Request) -> Option<f64> {
    let answer = request.max_output_tokens.unwrap_or(USUAL_ANSWER).min(model.max_output.unwrap_or(u32::MAX));
    cost_of(model, request, answer)
}

/// The same where nothing caps the answer but the model itself.
pub(crate) fn estimate_uncapped(model: &ModelSpec, request: &Request) -> Option<f64> {
    cost_of(model, request, model.max_output.unwrap_or(model.context_window))
}

fn cost_of(model: &ModelSpec, request: &Request, answer: u32) -> Option<f64> {
    let usage = Usage { output_tokens: u64::from(answer), ..estimated_usage(request, 0) };
    model.price.cost(&usage)
}

/// The most tokens that a vendor can honestly count in the prompt or in the answer of a request.
pub(crate) fn most_tokens(model: Option<&ModelSpec>, request: &Request) -> u64 {
    let window =
        model.filter(|model| model.window_known).map_or(LARGEST_WINDOW, |model| model.context_window);
    let windows = if request.web_search { MOST_WINDOWS_SEARCHING } else { MOST_WINDOWS };
    u64::from(window).saturating_mul(windows)
}

/// Whether counts can be true where none can exceed `most`.
pub(crate) fn is_believable(usage: &Usage, most: u64) -> bool {
    let Usage { input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, .. } = *usage;
    [input_tokens, output_tokens, cached_input_tokens, reasoning_tokens].iter().all(|count| *count <= most)
}

/// The most tokens that an answer can have beside its text: thoughts that are not shown, and the rounds of a search.
pub(crate) fn most_unseen(model: Option<&ModelSpec>, request: &Request) -> u64 {
    if request.web_search {
        return most_tokens(model, request);
    }
    let Some(model) = model else { return u64::from(LONGEST_THOUGHT) };
    if model.origin == ModelOrigin::Catalogue && !model.can(Capability::Thinking) {
        return SIGNS;
    }
    let window = if model.window_known { model.context_window } else { LONGEST_THOUGHT };
    u64::from(model.max_output.unwrap_or(window)).saturating_add(SIGNS)
}

/// A vendor's counts as far as they can be true of a request and of an answer with so many bytes, and an estimate in the place of the
/// others. A token has a byte at least; the thoughts that are not shown are at most those that are counted, or `unseen`.
pub(crate) fn believed(usage: Usage, request: &Request, bytes: usize, unseen: u64) -> Usage {
    let (mut usage, guess) = (usage, estimated_usage(request, bytes));
    if usage.input_tokens == 0 && guess.input_tokens > 0 {
        (usage.input_tokens, usage.estimated) = (guess.input_tokens, true);
    }
    // Some count apart what was cached.
    usage.cached_input_tokens = usage.cached_input_tokens.min(usage.input_tokens);
    let thoughts = match usage.reasoning_tokens {
        0 => unseen,
        counted => counted.saturating_add(SIGNS).min(unseen),
    };
    let most = (bytes as u64).saturating_add(thoughts);
    if usage.output_tokens > most || (usage.output_tokens == 0 && guess.output_tokens > 0) {
        (usage.output_tokens, usage.estimated) = (guess.output_tokens, true);
        usage.reasoning_tokens = usage.reasoning_tokens.min(guess.output_tokens);
    }
    usage
}

/// Whether a vendor has counted so few tokens that it cannot have read the whole prompt. Text is estimated so low, and images not at
/// all, that only a large part that is missing shows.
pub(crate) fn prompt_cut(request: &Request, usage: &Usage) -> Option<PromptCut> {
    if usage.estimated || usage.input_tokens == 0 {
        return None;
    }
    let sent = texts(request).map(fewest_tokens).fold(0, u64::saturating_add);
    // Some count what was cached apart.
    let counted = usage.input_tokens.saturating_add(usage.cached_input_tokens);
    let is_cut = counted.saturating_mul(2) < sent && sent.saturating_sub(counted) > TOLERANCE;
    is_cut.then_some(PromptCut { sent, counted })
}

/// Fewer tokens than any usual tokenizer makes of a text: blanks and repeated letters cost nothing.
fn fewest_tokens(text: &str) -> u64 {
    let (mut ascii, mut other) = (0_u64, 0_u64);
    let mut last = None;
    for letter in text.chars() {
        let again = last.replace(letter) == Some(letter) || letter.is_whitespace();
        if letter.is_ascii() {
            ascii += u64::from(!again);
        } else {
            other += u64::from(!again);
        }
    }
    ascii / ASCII_BYTES + other / OTHER_LETTERS
}

#[cfg(test)]
mod tests {
    use exai_core::chat::Message;

    use super::*;

    fn asking(text: String) -> Request {
        Request::asking("m".into(), Message::user(text))
    }

    fn counted(input: u64, cached: u64) -> Usage {
        Usage { input_tokens: input, cached_input_tokens: cached, ..Usage::default() }
    }

    #[test]
    fn without_a_cap_the_longest_answer_counts() {
        use exai_core::model::Price;
        let price = Price { input: Some(0.0), output: Some(1.0), cached_input: None };
        let model = ModelSpec { price, ..ModelSpec::unknown("p".into(), "m".into(), Some(100_000)) };
        let request = Request { max_output_tokens: Some(1_000), ..asking("q".to_owned()) };
        let usd = |estimate: fn(&ModelSpec, &Request) -> Option<f64>, model: &ModelSpec| {
            format!("{:.3}", estimate(model, &request).unwrap())
        };
        assert_eq!(usd(estimate, &model), "0.001");
        assert_eq!(usd(estimate_uncapped, &model), "0.100", "the window bounds the answer");
        let model = ModelSpec { max_output: Some(8_000), ..model };
        assert_eq!(usd(estimate_uncapped, &model), "0.008");
    }

    #[test]
    fn a_large_missing_part_is_seen() {
        let prose = "The quick brown foxes jump over the lazy dogs again. ".repeat(2_000);
        let request = asking(prose);
        let cut = prompt_cut(&request, &counted(4_096, 0)).unwrap();
        assert!(cut.counted == 4_096 && cut.sent > 20_000, "{cut:?}");
        assert_eq!(prompt_cut(&request, &counted(22_000, 0)), None);
        assert_eq!(prompt_cut(&request, &counted(4_096, 16_000)), None, "what was cached counts");
        assert_eq!(prompt_cut(&request, &counted(0, 0)), None, "nothing was counted");
        let guessed = Usage { estimated: true, ..counted(10, 0) };
        assert_eq!(prompt_cut(&request, &guessed), None);
    }

    #[test]
    fn rough_estimates_cry_no_wolf() {
        let short = asking("word ".repeat(1_500));
        assert_eq!(prompt_cut(&short, &counted(10, 0)), None, "fewer than two thousand are missing");
        for (text, real) in [
            ("日本語のテキスト。".repeat(3_000), 16_000),
            ("Привет, как дела? ".repeat(3_000), 18_000),
            ("สวัสดีครับ ".repeat(3_000), 9_000),
            (format!("x{}y\n", " ".repeat(90)).repeat(2_000), 8_000),
            ("=".repeat(200_000), 3_200),
            ("fn main() { let x = 1; }\n".repeat(3_000), 27_000),
        ] {
            let request = asking(text.clone());
            assert_eq!(
                prompt_cut(&request, &counted(real, 0)),
                None,
                "{}",
                text.chars().take(20).collect::<String>()
            );
        }
        let image =
            Part::Image { data_url: format!("data:image/png;base64,{}", "iVBORw0K".repeat(90_000)).into() };
        let request =
            Request::asking("m".into(), Message { role: exai_core::chat::Role::User, parts: vec![image] });
        assert_eq!(prompt_cut(&request, &counted(1_100, 0)), None, "an image is no text");
    }

    #[test]
    fn counts_that_no_answer_has_are_estimated() {
        let request = asking("Why do larches shed their needles? ".repeat(10));
        let guess = estimated_usage(&request, 400);
        let usage = |input, cached, output, reasoning| Usage {
            input_tokens: input,
            cached_input_tokens: cached,
            output_tokens: output,
            reasoning_tokens: reasoning,
            estimated: false,
        };
        let thinks =
            ModelSpec { max_output: Some(64_000), ..ModelSpec::unknown("p".into(), "m".into(), None) };
        let silent = ModelSpec { origin: ModelOrigin::Catalogue, ..thinks.clone() };
        let (input, output) = (guess.input_tokens, guess.output_tokens);
        for (model, counted, expected) in [
            (&thinks, usage(90, 10, 100, 0), None),
            (&thinks, usage(90, 10, 60_000, 0), None),
            (&thinks, usage(90, 10, 60_000, 59_900), None),
            (&thinks, usage(90, 500, 100, 0), Some((90, 90, 100, false))),
            (&thinks, usage(0, 0, 100, 0), Some((input, 0, 100, true))),
            (&thinks, usage(0, 9_000, 100, 0), Some((input, input, 100, true))),
            (&thinks, usage(90, 0, 66_000, 0), Some((90, 0, output, true))),
            (&thinks, usage(90, 0, 5_000_000_000, 5_000_000_000), Some((90, 0, output, true))),
            (&thinks, usage(90, 0, 60_000, 50), Some((90, 0, output, true))),
            (&thinks, usage(90, 0, 0, 0), Some((90, 0, output, true))),
            (&silent, usage(90, 0, 1_399, 0), None),
            (&silent, usage(90, 0, 1_401, 0), Some((90, 0, output, true))),
        ] {
            let got = believed(counted, &request, 400, most_unseen(Some(model), &request));
            let fields = (got.input_tokens, got.cached_input_tokens, got.output_tokens, got.estimated);
            let same = (counted.input_tokens, counted.cached_input_tokens, counted.output_tokens, false);
            assert_eq!(fields, expected.unwrap_or(same), "{counted:?}");
        }
        let nothing = believed(Usage::default(), &asking(String::new()), 0, 0);
        assert_eq!(nothing, Usage::default(), "nothing may count as nothing");
        let searching = Request { web_search: true, ..request };
        assert!(most_unseen(Some(&silent), &searching) > 100_000, "every round of a search counts");
    }

    #[test]
    fn counts_beyond_every_window_are_not_believed() {
        let model = ModelSpec::unknown("p".into(), "m".into(), Some(8_000));
        let request = asking("q".to_owned());
        let most = most_tokens(Some(&model), &request);
        assert!(is_believable(&counted(8_000, 0), most) && is_believable(&counted(0, 30_000), most));
        assert!(!is_believable(&counted(10_u64.pow(18), 0), most));
        let thoughts = Usage { reasoning_tokens: u64::MAX, ..Usage::default() };
        assert!(!is_believable(&thoughts, most_tokens(None, &request)));
        let searching = Request { web_search: true, ..request };
        assert!(is_believable(&counted(200_000, 0), most_tokens(Some(&model), &searching)));
    }
}
