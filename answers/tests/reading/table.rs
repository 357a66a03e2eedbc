//! Small answers in one form each.

use exai_answers::{
    Rules,
    Understood::{self, Nothing, Partly, Whole},
    read,
    severity::SeverityWords,
};
use exai_core::Severity::{self, Critical, High, Info, Low, Medium, Unknown};

type Case<'t> = (&'t str, &'t [(Severity, &'t str, u32)], Understood);

fn assert_read(cases: &[Case<'_>]) {
    for (text, expected, understood) in cases {
        let reading = read(
            text,
            Rules { words: &SeverityWords::default(), without_findings: &["no_bug_found"], for_gate: true },
        );
        let findings = reading.answer.map(|answer| answer.findings).unwrap_or_default();
        let found: Vec<_> = findings
            .iter()
            .map(|finding| (finding.said.severity, finding.path.as_str(), finding.line.unwrap_or(0)))
            .collect();
        assert_eq!(found, *expected, "{text}\n{findings:#?}");
        assert_eq!(reading.understood, *understood, "{text}\n{findings:#?}");
    }
}

#[test]
fn lists_have_many_places() {
    assert_read(&[
        (
            r#"{"findings":[{"severity":"high","path":"a.rs","line":3,"title":"Leaks"}]}"#,
            &[(High, "a.rs", 3)],
            Whole,
        ),
        (r#"[{"severity":"high","path":"a.rs","line":3,"title":"Leaks"}]"#, &[(High, "a.rs", 3)], Whole),
        (r#"{"severity":"high","path":"a.rs:3","line":0,"title":"Leaks"}"#, &[(High, "a.rs", 3)], Whole),
        (r#"{"severity":"high","path":"a.rs:9","line":3,"title":"Leaks"}"#, &[(High, "a.rs", 3)], Whole),
        (r#"{"severity":"high","path":"a.rs","line":3,"title":"Leaks"}"#, &[(High, "a.rs", 3)], Whole),
        (r#"{"findings":{"severity":"low","file":"a.rs","issue":"Leaks"}}"#, &[(Low, "a.rs", 0)], Whole),
        (r#"{"findings":{"high":[{"file":"a.rs","issue":"Leaks"}],"low":[]}}"#, &[(High, "a.rs", 0)], Whole),
        (r#"{"findings":{"High":"a.rs:3 leaks memory"}}"#, &[(High, "a.rs", 3)], Whole),
        (
            r#"{"findings":{"src/a.rs":[{"line":3,"issue":"Leaks","severity":"P1"}]}}"#,
            &[(High, "src/a.rs", 3)],
            Whole,
        ),
        (r#"{"findings":{"src/a.rs:3":{"issue":"Leaks","severity":"P1"}}}"#, &[(High, "src/a.rs", 3)], Whole),
        (
            r#"{"findings":{"F1":{"path":"a.rs","issue":"Leaks"},"F2":{"path":"b.rs","issue":"Spins"}}}"#,
            &[(Unknown, "a.rs", 0), (Unknown, "b.rs", 0)],
            Whole,
        ),
        (
            r#"{"findings":[[{"severity":"low","path":"a.rs","title":"Leaks"}],[]]}"#,
            &[(Low, "a.rs", 0)],
            Whole,
        ),
        (
            r#"{"findings":"[{\"severity\":\"low\",\"path\":\"a.rs\",\"title\":\"Leaks\"}]"}"#,
            &[(Low, "a.rs", 0)],
            Whole,
        ),
        (
            r#"{"findings":["{\"severity\":\"low\",\"path\":\"a.rs\",\"title\":\"Leaks\"}"]}"#,
            &[(Low, "a.rs", 0)],
            Whole,
        ),
        (r#"{"findings":["[HIGH] a.rs:3 leaks memory"]}"#, &[(High, "a.rs", 3)], Whole),
        (r#"{"findings":["a.rs:3: leaks memory"]}"#, &[(Unknown, "a.rs", 3)], Whole),
        (
            r#"{"files":[{"path":"a.rs","findings":[{"severity":"low","line":2,"title":"Leaks"}]}]}"#,
            &[(Low, "a.rs", 2)],
            Whole,
        ),
        (
            r#"{"critical_issues":[{"file":"a.rs","description":"Leaks"}],"minor_issues":[]}"#,
            &[(Critical, "a.rs", 0)],
            Whole,
        ),
        (
            r#"{"critical":[{"file":"a.rs","description":"Leaks"}],"high":[]}"#,
            &[(Critical, "a.rs", 0)],
            Whole,
        ),
        (
            r#"{"problems_found":[{"severity":"low","file":"a.rs","description":"Leaks"}]}"#,
            &[(Low, "a.rs", 0)],
            Whole,
        ),
        (
            r#"{"name":"report","arguments":{"findings":[{"severity":"low","path":"a.rs","title":"Leaks"}]}}"#,
            &[(Low, "a.rs", 0)],
            Whole,
        ),
        (
            r#"{"result":{"review":{"summary":"One.","issues":[{"severity":"low","path":"a.rs","title":"Leaks"}]}}}"#,
            &[(Low, "a.rs", 0)],
            Whole,
        ),
        (
            r#"{"response":"{\"findings\":[{\"severity\":\"low\",\"path\":\"a.rs\",\"title\":\"Leaks\"}]}"}"#,
            &[(Low, "a.rs", 0)],
            Whole,
        ),
    ]);
}

#[test]
fn what_is_not_understood_is_said() {
    assert_read(&[
        (r#"{"summary":"Fine.","findings":"There are several problems in the parser."}"#, &[], Partly),
        (r#"{"summary":"Fine.","findings":{"count":3}}"#, &[], Partly),
        (r#"{"summary":"Fine.","findings":3}"#, &[], Partly),
        (r#"{"summary":"Fine.","findings":[3]}"#, &[], Partly),
        (r#"{"summary":"Looks good to me."}"#, &[], Partly),
        (r#"{"status":"no_bug_found","summary":"It does what it should."}"#, &[], Whole),
        (r#"{"verdict":"approved"}"#, &[], Partly),
        (r#"{"status":"code_review_complete","summary":"","findings":[]}"#, &[], Nothing),
        (r#"{}"#, &[], Nothing),
        ("", &[], Nothing),
        ("LGTM", &[], Nothing),
        ("The parser has several problems.", &[], Nothing),
        (
            r#"{"findings":[{"severity":"low","path":"a.rs","title":"Leaks"}]} By the way, src/b.rs:9 deletes every order."#,
            &[(Low, "a.rs", 0)],
            Partly,
        ),
        (
            r#"{"findings":[{"severity":"low","path":"a.rs","title":"Leaks"},{"severity":"high","pa"#,
            &[(Low, "a.rs", 0)],
            Partly,
        ),
        (r#"{"summary":"One.","findings":[]"#, &[], Partly),
    ]);
}

#[test]
fn an_empty_review_is_one() {
    for nothing in ["[]", "{}", "null", "\"\"", "\"none\"", "\"No issues found.\""] {
        assert_read(&[(
            &format!(r#"{{"summary":"I looked at all of it.","findings":{nothing}}}"#),
            &[],
            Whole,
        )]);
    }
}

#[test]
fn other_notations_are_read() {
    assert_read(&[
        (
            "```json\n{\"findings\":[{\"severity\":\"low\",\"path\":\"a.rs\",\"title\":\"Leaks\"}]}\n```",
            &[(Low, "a.rs", 0)],
            Whole,
        ),
        (
            "{\"severity\":\"low\",\"path\":\"a.rs\",\"title\":\"Leaks\"}\n{\"severity\":\"high\",\"path\":\"b.rs\",\"title\":\"Spins\"}",
            &[(Low, "a.rs", 0), (High, "b.rs", 0)],
            Whole,
        ),
        (
            "{&quot;findings&quot;:[{&quot;severity&quot;:&quot;low&quot;,&quot;path&quot;:&quot;a.rs&quot;,&quot;title&quot;:&quot;Leaks&quot;}]}",
            &[(Low, "a.rs", 0)],
            Whole,
        ),
        (
            "｛“findings”：［｛“severity”：“高”，“path”：“a.rs”，“title”：“泄漏”｝］｝",
            &[(High, "a.rs", 0)],
            Whole,
        ),
        (
            "findings:\n  - severity: high\n    path: a.rs\n    line: 3\n    title: Leaks\n",
            &[(High, "a.rs", 3)],
            Whole,
        ),
        ("```yaml\nfindings:\n- {severity: low, path: a.rs, title: Leaks}\n```", &[(Low, "a.rs", 0)], Whole),
        (
            "| Severity | Location | Issue |\n|---|---|---|\n| High | a.rs:3 | Leaks |\n| Low | b.rs:4 | Spins |\n",
            &[(High, "a.rs", 3), (Low, "b.rs", 4)],
            Whole,
        ),
        (
            "- [HIGH] a.rs:3 – leaks memory\n- [LOW] b.rs:4 – spins\n",
            &[(High, "a.rs", 3), (Low, "b.rs", 4)],
            Whole,
        ),
        (
            "1. **Critical** – `a.rs:3`: leaks memory\n2. **Nit** – `b.rs:4`: odd name\n",
            &[(Critical, "a.rs", 3), (Low, "b.rs", 4)],
            Whole,
        ),
        (
            "## High\n\n- `a.rs:3` leaks memory\n\n## Low\n\n- `b.rs:4` odd name\n",
            &[(High, "a.rs", 3), (Low, "b.rs", 4)],
            Whole,
        ),
        (
            "a.rs:3:1: error: leaks memory\nb.rs:4:2: warning: odd name\n",
            &[(High, "a.rs", 3), (Medium, "b.rs", 4)],
            Whole,
        ),
        (
            "🔴 a.rs:3 leaks memory\n\n💡 b.rs:4 odd name\n",
            &[(Critical, "a.rs", 3), (Info, "b.rs", 4)],
            Whole,
        ),
        // A text that may report more than was read is not understood.
        (
            "- [LOW] a.rs:3 – odd name\n\nThere is also a critical injection in the login.\n",
            &[(Low, "a.rs", 3)],
            Partly,
        ),
        ("- [LOW] a.rs:3 – odd name\n\nSee b.rs:9 as well.\n", &[(Low, "a.rs", 3)], Partly),
    ]);
}

#[test]
fn severities_keep_their_words() {
    let text = r#"{"findings":[{"severity":"spicy","path":"a.rs","title":"One"},{"path":"a.rs","title":"Two"},{"severity":"High (CVSS 8.1)","path":"a.rs","title":"Three"},{"severity":4,"path":"a.rs","title":"Four"}]}"#;
    let findings = read(
        text,
        Rules { words: &SeverityWords::default(), without_findings: &["no_bug_found"], for_gate: true },
    )
    .answer
    .unwrap()
    .findings;
    let said: Vec<_> =
        findings.iter().map(|finding| (finding.said.severity, finding.said.word.as_deref())).collect();
    assert_eq!(
        said,
        [(Unknown, Some("spicy")), (Unknown, None), (High, Some("High (CVSS 8.1)")), (Unknown, Some("4"))]
    );
    let team = SeverityWords::with_own([("spicy".to_owned(), Critical)]);
    assert_eq!(
        read(text, Rules { words: &team, without_findings: &[], for_gate: true }).answer.unwrap().findings[0]
            .said
            .severity,
        Critical
    );
}

/// What is said twice counts as the worse, and a score below five only beside one above.
#[test]
fn the_worst_of_several_severities_counts() {
    let finding = |members: &str| format!(r#"{{"findings":[{{{members},"path":"a.rs","title":"Leaks"}}]}}"#);
    for (members, severity) in [
        (r#""severity":"low","cvss_score":9.1"#, Critical),
        (r#""severity":"minor","priority":"P1""#, High),
        (r#""severity":"trivial","blocking":true"#, Critical),
        (r#""severity":"trivial","blocking":false"#, Low),
        (r#""Severity":"info","severity":"severe""#, Critical),
        (r#""level":"hint","risk":"high""#, High),
        (r#""severity":"high","priority":"P3""#, High),
        (r#""severity":"odd","priority":"low""#, Unknown),
        (r#""severity":"odd","cvss":5.5"#, Medium),
        (r#""severity":2.4"#, Unknown),
        (r#""severity":"none""#, Unknown),
    ] {
        assert_read(&[(&finding(members), &[(severity, "a.rs", 0)], Whole)]);
    }
    assert_read(&[(
        r#"{"findings":[{"severity":2.4,"path":"a.rs","title":"Leaks"},{"severity":6.1,"path":"b.rs","title":"Spins"}]}"#,
        &[(Low, "a.rs", 0), (Medium, "b.rs", 0)],
        Whole,
    )]);
}

/// A word that may be any word of a sentence is no severity of it.
#[test]
fn first_words_of_sentences_are_no_marks() {
    let finding = |text: &str| format!(r#"{{"findings":["{text}"]}}"#);
    for (text, severity) in [
        ("Trivial takeover of every account", Unknown),
        ("Information about salaries is public", Unknown),
        ("Media files run as programs", Unknown),
        ("**Trivial** takeover of accounts", Unknown),
        ("LOW odd name", Low),
        ("3.2 Takeover of accounts", Unknown),
        ("1. Takeover of accounts", Unknown),
        ("Low: odd name", Low),
        ("[minor] odd name", Low),
        ("**Note:** odd name", Info),
        ("nit (non-blocking): odd name", Low),
        ("suggestion (blocking): odd name", Critical),
        ("minor severity: odd name", Low),
        ("Minor to severe: odd name", Critical),
    ] {
        assert_read(&[(&finding(text), &[(severity, "", 0)], Whole)]);
    }
}

/// A mild list is the whole only when everything beside it is known to report nothing.
#[test]
fn what_stands_beside_mild_findings_counts() {
    const LOW: &[(Severity, &str, u32)] = &[(Low, "a.rs", 3)];
    for beside in [
        "The price comes from the client.",
        "- The price comes from the client.",
        "**Security:** the price comes from the client.",
        "> The price comes from the client.",
        "<details>The price comes from the client.</details>",
        "```\nprice = request.price\n```",
        "### Prices of the client are taken",
        "[checkout]: takes-the-price 'of the client'",
        "| Nr | Place | Text |\n|---|---|---|\n| 2 | checkout | takes the price |",
        "## Critical",
        "价格来自客户端。",
        "- 価格はクライアントから来ます",
        "- [HI",
    ] {
        assert_read(&[(&format!("- [LOW] a.rs:3 odd name\n\n{beside}\n"), LOW, Partly)]);
    }
    for beside in [
        "No other issues found.",
        "## Summary\n\nOverall the code is clean.",
        "## Critical\n\nNone found.",
        "Let me know if you have questions.",
        "没有其他问题。",
    ] {
        assert_read(&[(&format!("## Code review\n\n- [LOW] a.rs:3 odd name\n\n{beside}\n"), LOW, Whole)]);
    }
    for text in [
        "- Low: a.rs:3 odd name; b.rs:9 takes the price of the client\n",
        "[LOW] a.rs:3 odd name\nb.rs:9 takes the price of the client\n",
        "[LOW] a.rs:3 odd name\n\nThe price comes from the client.\n",
        "- [LOW] a.rs:3 odd name, and the price check is critical\n",
    ] {
        assert_read(&[(text, LOW, Partly)]);
    }
    let json = r#"{"findings":[{"severity":"low","path":"a.rs","line":3,"title":"Odd name"}]}"#;
    for beside in
        ["The price comes from the client.", "(12 more in the next message)", "<notes>prices</notes>"]
    {
        assert_read(&[
            (&format!("{json}\n\n{beside}"), LOW, Partly),
            (&format!("{beside}\n\n{json}"), LOW, Partly),
        ]);
    }
    for beside in ["Here is my review:", "Voici le résultat :", "以下是审查结果：", "I checked all of it."]
    {
        assert_read(&[(&format!("{beside}\n```json\n{json}\n```"), LOW, Whole)]);
    }
}

#[test]
fn sections_of_markdown_keep_their_severity() {
    assert_read(&[
        (
            "# 1. Critical issues\n\n- a.rs:3 leaks\n\n# 2. Minor issues\n\n- b.rs:4 odd name\n",
            &[(Critical, "a.rs", 3), (Low, "b.rs", 4)],
            Whole,
        ),
        ("## 1.2 Low to critical\n\n- a.rs:3 leaks\n", &[(Critical, "a.rs", 3)], Whole),
        ("## Critical\n\n- None\n\n## Low\n\n- a.rs:3 odd name\n", &[(Low, "a.rs", 3)], Whole),
        ("## Critical\n\n## Low\n\n- a.rs:3 odd name\n", &[(Low, "a.rs", 3)], Partly),
        ("### 3.1 Takeover\n\n- `a.rs:3` takes any name\n", &[], Nothing),
    ]);
}

#[test]
fn yaml_is_read_to_its_end() {
    assert_read(&[
        ("```yaml\nsummary: Fine.\nfindings: []\n```", &[], Whole),
        ("```yaml\nsummary: Fine.\nfindings: []\n```\nThe price comes from the client.", &[], Partly),
        ("summary: Three.\nfindings:\n", &[], Partly),
        (r#"{"summary":"Three.","findings":[{}]}"#, &[], Partly),
        (r#"{"summary":"Three.","findings":"N/A"}"#, &[], Partly),
    ]);
}

/// Every name that models have for a list or a field, one answer each.
#[test]
fn every_known_name_is_read() {
    let lists = [
        "findings",
        "issues",
        "results",
        "comments",
        "defects",
        "items",
        "problems",
        "bugs",
        "vulnerabilities",
        "violations",
        "Issues_Found",
        "reviewComments",
        "问题",
        "問題点",
        "문제점",
        "befunde",
        "problèmes",
        "hallazgos",
        "achados",
        "замечания",
    ];
    for list in lists {
        assert_read(&[(
            &format!(r#"{{"{list}":[{{"severity":"low","path":"a.rs","line":7,"title":"Leaks"}}]}}"#),
            &[(Low, "a.rs", 7)],
            Whole,
        )]);
    }
    let fields = [
        ("severity", "path", "line", "title"),
        ("Severity", "file", "line_number", "issue"),
        ("level", "filePath", "startLine", "message"),
        ("严重程度", "文件", "行号", "标题"),
        ("重要度", "ファイル", "行番号", "タイトル"),
        ("심각도", "파일", "줄", "제목"),
        ("schweregrad", "datei", "zeile", "titel"),
        ("gravité", "fichier", "ligne", "titre"),
        ("gravedad", "archivo", "línea", "título"),
        ("gravidade", "arquivo", "linha", "título"),
        ("серьёзность", "файл", "строка", "заголовок"),
        ("risk_level", "location", "lines", "description"),
    ];
    for (severity, path, line, title) in fields {
        assert_read(&[(
            &format!(
                r#"{{"findings":[{{"{severity}":"low","{path}":"a.rs","{line}":7,"{title}":"Leaks"}}]}}"#
            ),
            &[(Low, "a.rs", 7)],
            Whole,
        )]);
    }
}
