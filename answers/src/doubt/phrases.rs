//! The words by which an answer contradicts its own list of findings.

use exai_core::Severity;

/// Words that say in running text that something is critical.
const CRITICAL: &[&str] = &[
    "critical",
    "critically",
    "severe",
    "severely",
    "catastrophic",
    "showstopper",
    "blocker",
    "blockers",
    "p0",
    "sev0",
    "sev1",
    "kritisch",
    "kritische",
    "kritischer",
    "kritisches",
    "kritischen",
    "gravierend",
    "gravierende",
    "critique",
    "critiques",
    "crítico",
    "crítica",
    "críticos",
    "críticas",
    "critico",
    "critica",
    "критический",
    "критическая",
    "критическое",
    "критические",
    "критично",
];
/// Words that say that something is grave, whatever they speak of.
const HIGH: &[&str] = &[
    "serious",
    "seriously",
    "dangerous",
    "insecure",
    "exploitable",
    "injectable",
    "unsafe",
    "p1",
    "sev2",
    "vulnerable",
    "schwerwiegend",
    "schwerwiegende",
    "schwerwiegender",
    "gefährlich",
    "grave",
    "graves",
    "peligroso",
    "grave",
    "серьёзная",
    "серьезная",
    "опасно",
];
/// Words that do so in front of one of [`NOUNS`].
const RATING: &[&str] = &[
    "high",
    "major",
    "urgent",
    "hoch",
    "hohe",
    "hohes",
    "hoher",
    "élevé",
    "élevée",
    "majeur",
    "majeure",
    "alta",
    "alto",
    "высокий",
    "высокая",
    "must",
];
const NOUNS: &[&str] = &[
    "severity",
    "risk",
    "priority",
    "impact",
    "issue",
    "issues",
    "problem",
    "problems",
    "bug",
    "bugs",
    "defect",
    "defects",
    "vulnerability",
    "vulnerabilities",
    "finding",
    "findings",
    "flaw",
    "flaws",
    "concern",
    "concerns",
    "weakness",
    "fix",
    "risiko",
    "schwere",
    "problem",
    "probleme",
    "risque",
    "gravité",
    "severidad",
    "gravedad",
    "riesgo",
    "gravidade",
    "риск",
];
/// Words behind `critical` that make it another one.
const OTHER_NOUNS: &[&str] =
    &["path", "paths", "section", "sections", "region", "regions", "code", "thinking", "review"];
/// The same in scripts without blanks, and as pictures.
const SIGNS: &[&str] = &[
    "严重",
    "嚴重",
    "致命",
    "高危",
    "紧急",
    "重大な",
    "深刻",
    "심각",
    "치명",
    "🔴",
    "🚨",
    "⛔",
    "🛑",
    "必须立即",
    "必须修复",
];

/// A verdict against the change.
pub(super) const REJECTIONS: &[&str] = &[
    "do not merge",
    "don't merge",
    "do not ship",
    "don't ship",
    "do not release",
    "do not deploy",
    "not safe to",
    "not approved",
    "reject",
    "request changes",
    "request_changes",
    "requesting changes",
    "changes requested",
    "changes_requested",
    "must not be merged",
    "before release",
    "nicht freigeben",
    "не сливать",
];
/// Statuses of answers that are no review.
pub(super) const CONTRADICTING_STATUSES: &[&str] = &[
    "error",
    "fail",
    "incomplete",
    "progress",
    "unable",
    "cannot",
    "skip",
    "partial",
    "pending",
    "abort",
    "timeout",
    "timed_out",
    "refus",
    "truncat",
    "not_reviewed",
    "not reviewed",
    "blocked",
    "reject",
    "changes_requested",
    "request_changes",
    "needs_more",
    "files_required",
];
/// Names of members that say why there is no review.
pub(super) const FAILURES: &[&str] =
    &["error", "errors", "errormessage", "failure", "refusal", "fehler", "exception", "错误"];
/// Names of members that are true where the answer goes on elsewhere.
pub(super) const INCOMPLETE: &[&str] = &[
    "truncated",
    "hasmore",
    "incomplete",
    "partial",
    "continued",
    "cutoff",
    "istruncated",
    "ispartial",
    "more",
];
/// Names of members that are false where the review was not finished.
pub(super) const COMPLETE: &[&str] =
    &["complete", "iscomplete", "reviewcomplete", "reviewcompleted", "completed", "finished", "reviewed"];
/// Names of members that are false where the reviewer stands against the change.
pub(super) const APPROVALS: &[&str] = &[
    "approved",
    "approve",
    "approval",
    "passed",
    "pass",
    "lgtm",
    "safe",
    "issafe",
    "safetomerge",
    "mergeable",
    "canmerge",
    "readytomerge",
    "readytocommit",
    "secure",
];
/// Names of members that count the findings.
pub(super) const TOTALS: &[&str] = &[
    "total",
    "totalfindings",
    "findingscount",
    "findingcount",
    "totalissues",
    "issuescount",
    "issuecount",
    "numfindings",
    "numissues",
    "numberoffindings",
    "numberofissues",
];
/// What a model says of a review that it did not make, or not here.
pub(super) const UNMADE: &[&str] = &[
    "i cannot",
    "i can't",
    "i can not",
    "i could not",
    "i couldn't",
    "i was unable to",
    "i am unable to",
    "i'm unable to",
    "i'm not able to",
    "i am not able to",
    "i was not able to",
    "we cannot",
    "we could not",
    "unable to",
    "couldn't be reviewed",
    "could not be reviewed",
    "not able to review",
    "did not check",
    "didn't check",
    "did not review",
    "didn't review",
    "have not reviewed",
    "not reviewed",
    "was not processed",
    "only looked at",
    "only reviewed",
    "only checked",
    "had time for",
    "was looked at",
    "were looked at",
    "no source files",
    "no files were",
    "no code was",
    "see any code",
    "see any files",
    "nothing to review",
    "please provide",
    "provide the code",
    "paste the code",
    "share the code",
    "not enough context",
    "enough context to",
    "insufficient context",
    "too long",
    "internal error",
    "review skipped",
    "language model",
    "usage policy",
    "could not read the",
    "still reading",
    "not yet complete",
    "reading first",
    "goes on in",
    "continued in",
    "to be continued",
    "see below",
    "see above",
    "see attached",
    "see the review",
    "see review",
    "see my review",
    "see the comments",
    "see comments",
    "as described above",
    "listed above",
    "listed below",
    "described below",
    "in the attachment",
    "无法审查",
    "无法完成",
    "无法分析",
    "无法访问",
    "没有看到任何代码",
    "没有看到代码",
    "请提供",
    "見ることはできません",
    "できません",
    "見下",
    "见下",
    "见上",
    "详见",
    "konnte ich nicht",
    "kann ich nicht",
    "kann ich diesen code nicht",
    "ich konnte",
    "nicht prüfen",
    "nicht überprüfen",
    "siehe oben",
    "siehe unten",
    "no puedo",
    "no pude",
    "ver abajo",
    "ne peux pas",
    "n'ai pas pu",
    "voir ci-dessous",
    "voir ci-dessus",
    "не могу",
    "не смог",
    "см. ниже",
    "не удалось",
    "수 없습니다",
    "não posso",
    "não consegui",
    "non posso",
];
/// Words behind one of these that make it good news.
pub(super) const BENIGN: &[&str] = &[
    "find",
    "see any issue",
    "see any problem",
    "see any bug",
    "see anything",
    "spot",
    "identify",
    "detect",
    "fault",
    "finden",
    "encontrar",
    "trouver",
    "обнаружить",
    "найти",
];

/// Words that deny what stands behind them, so many words on.
const DENIALS: &[&str] = &[
    // "t" is what follows the apostrophe of "didn't".
    "no", "not", "none", "nothing", "nichts", "rien", "nada", "never", "without", "nor", "t", "cannot", "não",
    "nessun", "nessuno", "nessuna", "ninguno", "zero", "0", "keine", "keinen", "kein", "nicht", "aucun",
    "aucune", "pas", "ningún", "ningun", "ninguna", "sin", "nenhum", "nenhuma", "sem", "не", "нет", "без",
];
const REACH: usize = 4;
/// Words that count for nothing on the way.
const JOINTS: &[&str] =
    &["or", "and", "of", "the", "a", "any", "und", "oder", "et", "ou", "y", "o", "e", "и"];
/// Words that deny what stands in front of them.
const DENIALS_BEHIND: &[&str] = &["none", "0", "keine", "aucun", "ninguno", "nenhum", "нет"];
const FOUND: &[&str] = &["found", "detected", "identified", "present", "observed", "noticed"];
/// The same in scripts without blanks: in front of the sign, and anywhere behind it.
const SIGN_DENIALS: &[&str] = &["没有", "沒有", "未发现", "未發現", "未见", "无", "無"];
const SIGN_DENIALS_BEHIND: &[&str] =
    &["ありません", "ませんでした", "なし", "없습니다", "않았습니다", "没有", "未发现", "none"];

/// The severity of which a clause in lower case speaks without denying it.
pub(super) fn severity_of(clause: &str) -> Option<Severity> {
    let words = clause.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty() && !JOINTS.contains(word)).collect();
    let next = |at: usize, names: &[&str]| words.iter().skip(at + 1).take(2).any(|word| names.contains(word));
    let is_denied = |at: usize| {
        words.iter().take(at).rev().take(REACH).any(|word| DENIALS.contains(word))
            || words.iter().skip(at + 1).any(|word| DENIALS_BEHIND.contains(word))
            || words
                .windows(2)
                .skip(at)
                .any(|pair| matches!(pair, ["no" | "not", found] if FOUND.contains(found)))
    };
    let critical = |at: usize, word: &str| {
        CRITICAL.contains(&word) && !words.get(at + 1).is_some_and(|word| OTHER_NOUNS.contains(word))
    };
    let is_alone = clause.contains("must fix") || clause.contains("high:");
    let high = |at: usize, word: &str| {
        HIGH.contains(&word) || RATING.contains(&word) && (is_alone || next(at, NOUNS))
    };
    let said = |is: &dyn Fn(usize, &str) -> bool| {
        words.iter().enumerate().any(|(at, word)| is(at, word) && !is_denied(at))
    };
    if said(&critical) || SIGNS.iter().any(|sign| has_sign(clause, sign)) {
        return Some(Severity::Critical);
    }
    said(&high).then_some(Severity::High)
}

/// The severity of which the name of a member speaks.
pub(super) fn named_by(name: &str) -> Option<Severity> {
    let lower = name.to_lowercase();
    severity_of(&lower)
        .or_else(|| (RATING.contains(&lower.as_str()) || lower == "blocking").then_some(Severity::High))
}

/// Whether a sign stands in a clause and is not denied.
fn has_sign(clause: &str, sign: &str) -> bool {
    clause.match_indices(sign).any(|(at, _)| {
        let (before, behind) = clause.split_at_checked(at).unwrap_or((clause, ""));
        let near: Vec<char> = before.chars().rev().take(2 * REACH).collect();
        let near: String = near.into_iter().rev().collect();
        !SIGN_DENIALS.iter().any(|word| near.contains(word))
            && !SIGN_DENIALS_BEHIND.iter().any(|word| behind.contains(word))
    })
}
