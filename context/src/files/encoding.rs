//! Which encoding the bytes of a file are in, by a mark at their beginning or by what they look like.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::WINDOWS_1252;

/// How many bytes at the start of a file decide what it is.
pub(crate) const SNIFF: usize = 8 << 10;

/// One invalid byte in this many is still UTF-8 with flaws, or Latin-1; more is neither.
const INVALID_SHARE: usize = 10;
/// One control sign in this many is still text; more is not.
const CONTROL_SHARE: usize = 100;
/// Of the signs beyond ASCII that an encoding gives, so many in ten must be letters or punctuation.
const LEAST_LETTERS: usize = 7;
/// The most bytes that are looked at for a guess, from the first one that is not ASCII.
const GUESSED_BY: usize = 64 << 10;

/// How bytes stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Also Latin-1 and UTF-8 with flaws: what cannot be read is replaced.
    Utf8,
    Utf16(Order, Mark),
    Utf32(Order, Mark),
    /// One of those in use before Unicode. Its signs below 128 are ASCII.
    Legacy(&'static encoding_rs::Encoding),
}

/// Which byte of a unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

/// Whether the bytes begin with a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    There,
    Missing,
}

impl Encoding {
    /// Its name, as standards write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16(Order::Little, _) => "UTF-16LE",
            Self::Utf16(Order::Big, _) => "UTF-16BE",
            Self::Utf32(Order::Little, _) => "UTF-32LE",
            Self::Utf32(Order::Big, _) => "UTF-32BE",
            Self::Legacy(encoding) => encoding.name(),
        }
    }

    /// Whether it was inferred from the text, because nothing in the file says it.
    pub(crate) fn is_guess(self) -> bool {
        match self {
            Self::Utf8 => false,
            Self::Utf16(_, mark) | Self::Utf32(_, mark) => mark == Mark::Missing,
            Self::Legacy(_) => true,
        }
    }

    /// Whether a line feed is the byte 10 and that byte is nothing else, so that lines can be told before decoding.
    pub(crate) fn has_plain_lines(self) -> bool {
        matches!(self, Self::Utf8 | Self::Legacy(_))
    }
}

/// What the beginning of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sniffed {
    Text(Encoding),
    /// Text, but nothing tells in which encoding.
    OtherText,
    Binary,
}

/// Distinguishes text from binary by the first bytes of a file. They may end within a character.
pub(crate) fn sniff(head: &[u8]) -> Sniffed {
    if let Some(marked) = by_mark(head) {
        return Sniffed::Text(marked);
    }
    if memchr::memchr(0, head).is_some() {
        return wide(head).map_or(Sniffed::Binary, Sniffed::Text);
    }
    match std::str::from_utf8(head) {
        Ok(_) => Sniffed::Text(Encoding::Utf8),
        // A character may be cut in two at the end.
        Err(error) if error.error_len().is_none() => Sniffed::Text(Encoding::Utf8),
        Err(_) => legacy(head),
    }
}

/// The encoding of a whole text by all of its bytes; `None` when they do not tell it either.
pub(crate) fn refine(sniffed: Sniffed, bytes: &[u8]) -> Option<Encoding> {
    let by_all =
        || if std::str::from_utf8(bytes).is_ok() { Sniffed::Text(Encoding::Utf8) } else { legacy(bytes) };
    if let Sniffed::Text(encoding @ (Encoding::Utf16(..) | Encoding::Utf32(..))) = sniffed {
        return Some(encoding);
    }
    match (by_all(), sniffed) {
        (Sniffed::Text(encoding), _) => Some(encoding),
        // What follows an ordinary beginning is shown as far as it can be read.
        (_, Sniffed::Text(Encoding::Utf8)) => Some(Encoding::Utf8),
        _ => None,
    }
}

fn by_mark(head: &[u8]) -> Option<Encoding> {
    // The mark of UTF-32 begins with that of UTF-16, whose text would begin with a NUL then.
    let marks = [
        (&b"\xff\xfe\0\0"[..], Encoding::Utf32(Order::Little, Mark::There)),
        (b"\0\0\xfe\xff", Encoding::Utf32(Order::Big, Mark::There)),
        (b"\xff\xfe", Encoding::Utf16(Order::Little, Mark::There)),
        (b"\xfe\xff", Encoding::Utf16(Order::Big, Mark::There)),
    ];
    marks.into_iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, encoding)| encoding)
}

/// UTF-16 or UTF-32 without a mark: every unit is a character of text.
fn wide(head: &[u8]) -> Option<Encoding> {
    [
        Encoding::Utf32(Order::Little, Mark::Missing),
        Encoding::Utf32(Order::Big, Mark::Missing),
        Encoding::Utf16(Order::Little, Mark::Missing),
        Encoding::Utf16(Order::Big, Mark::Missing),
    ]
    .into_iter()
    .find(|encoding| {
        let unit = if matches!(encoding, Encoding::Utf32(..)) { 4 } else { 2 };
        // A file in it has whole units; the first bytes of one are cut where they are.
        let is_cut = head.len() >= SNIFF;
        let whole = head.get(..head.len() / unit * unit).unwrap_or_default();
        (is_cut || whole.len() == head.len()) && is_wide_text(&units(whole, *encoding))
    })
}

/// The characters that units stand for; `None` for those that stand for none.
pub(super) fn units(bytes: &[u8], encoding: Encoding) -> Vec<Option<char>> {
    match encoding {
        Encoding::Utf32(order, _) => {
            let unit = match order {
                Order::Little => u32::from_le_bytes,
                Order::Big => u32::from_be_bytes,
            };
            bytes.as_chunks::<4>().0.iter().map(|bytes| char::from_u32(unit(*bytes))).collect()
        }
        Encoding::Utf16(order, _) => {
            let unit = match order {
                Order::Little => u16::from_le_bytes,
                Order::Big => u16::from_be_bytes,
            };
            let units = bytes.as_chunks::<2>().0.iter().map(|bytes| unit(*bytes));
            char::decode_utf16(units).map(Result::ok).collect()
        }
        Encoding::Utf8 | Encoding::Legacy(_) => Vec::new(),
    }
}

fn is_wide_text(characters: &[Option<char>]) -> bool {
    // The last one may be half of a pair.
    let Some((last, characters)) = characters.split_last() else { return false };
    let Some(characters) = characters.iter().copied().collect::<Option<Vec<char>>>() else { return false };
    let characters: Vec<char> = characters.into_iter().chain(*last).collect();
    let count = |holds: fn(char) -> bool| characters.iter().filter(|character| holds(**character)).count();
    let plain = count(|character| character.is_ascii());
    let readable = count(|character| character.is_ascii() || is_letter_or_sign(character));
    let is_spaced = count(|character| matches!(character, ' ' | '\n' | '\u{3000}' | '\u{3002}')) > 0;
    !characters.iter().copied().any(is_control)
        && readable * 10 >= characters.len() * 9
        && (plain * 2 >= characters.len() || is_spaced && characters.len() > 8)
}

/// An encoding from before Unicode, or UTF-8 with flaws.
fn legacy(head: &[u8]) -> Sniffed {
    let (mut valid, mut invalid) = (0, 0);
    for chunk in head.utf8_chunks() {
        valid += chunk.valid().bytes().filter(|byte| !byte.is_ascii()).count();
        invalid += chunk.invalid().len();
    }
    // Up to three bytes may be a character that is cut in two.
    let is_lossy = invalid.saturating_sub(3) * INVALID_SHARE <= head.len();
    let lossy = |or| if is_lossy { Sniffed::Text(Encoding::Utf8) } else { or };
    if valid > invalid && is_lossy {
        return Sniffed::Text(Encoding::Utf8);
    }
    let controls = head.iter().filter(|byte| is_control(char::from(**byte)) && byte.is_ascii()).count();
    if controls * CONTROL_SHARE > head.len() {
        return lossy(Sniffed::Binary);
    }
    let start = head.iter().position(|byte| !byte.is_ascii()).unwrap_or(0);
    let rest = head.get(start..).unwrap_or_default();
    let rest = rest.get(..GUESSED_BY).unwrap_or(rest);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(rest, false);
    let guess = detector.guess(None, Utf8Detection::Deny);
    let is_readable = readable_in(guess, rest);
    if guess == WINDOWS_1252 {
        // What is not Latin-1 after all looks like it most.
        return lossy(if is_readable { Sniffed::OtherText } else { Sniffed::Binary });
    }
    if is_readable { Sniffed::Text(Encoding::Legacy(guess)) } else { lossy(Sniffed::Binary) }
}

/// Whether nearly everything beyond ASCII is letters and punctuation in an encoding. The last character may be cut.
fn readable_in(encoding: &'static encoding_rs::Encoding, bytes: &[u8]) -> bool {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let beyond: Vec<char> = text.chars().filter(|character| !character.is_ascii()).collect();
    let flaws = beyond.iter().filter(|character| **character == char::REPLACEMENT_CHARACTER).count();
    let letters = beyond.iter().filter(|character| is_letter_or_sign(**character)).count();
    flaws <= 1 + beyond.len() / CONTROL_SHARE && letters * 10 >= (beyond.len() - flaws) * LEAST_LETTERS
}

fn is_letter_or_sign(character: char) -> bool {
    character.is_alphanumeric()
        || character == '\u{3000}'
        // General punctuation, arrows, boxes; punctuation of Chinese, Japanese and Korean; wide forms.
        || matches!(character, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{2190}'..='\u{25ff}' | '\u{3000}'..='\u{303f}' | '\u{ff01}'..='\u{ff65}')
}

/// Whether a sign is none of text. Those of line ends, tabs, pages and terminals are.
fn is_control(character: char) -> bool {
    character.is_control()
        && !matches!(character, '\t' | '\n' | '\r' | '\u{8}' | '\u{b}' | '\u{c}' | '\u{1b}' | '\u{85}')
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, EUC_JP, EUC_KR, GBK, KOI8_U, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251};

    use super::*;

    const CHINESE: &str = "// 这个函数读取配置文件，并返回所有有效的选项。\nint read_options(void);\n";

    #[test]
    fn legacy_text_is_recognised() {
        for (encoding, text) in [
            (GBK, CHINESE),
            (BIG5, "// 這個函數讀取設定檔，並傳回所有有效的選項。\nint read_options(void);\n"),
            (
                SHIFT_JIS,
                "// この関数は設定ファイルを読み込み、有効な項目を返します。\nint read_options(void);\n",
            ),
            (
                EUC_JP,
                "// この関数は設定ファイルを読み込み、有効な項目を返します。\nint read_options(void);\n",
            ),
            (
                EUC_KR,
                "// 이 함수는 설정 파일을 읽고 유효한 옵션을 모두 반환합니다.\nint read_options(void);\n",
            ),
            (WINDOWS_1251, "// Эта функция читает настройки и возвращает верные.\nint read_options(void);\n"),
            (KOI8_U, "// Эта функция читает настройки и возвращает верные.\nint read_options(void);\n"),
            (
                WINDOWS_1250,
                "// Funkcja odczytująca ustawienia, zwraca poprawną część wartości źródłowych.\nint x;\n",
            ),
        ] {
            let (bytes, _, unmappable) = encoding.encode(text);
            assert!(!unmappable, "{}", encoding.name());
            let sniffed = sniff(&bytes);
            assert_eq!(sniffed, Sniffed::Text(Encoding::Legacy(encoding)), "{}", encoding.name());
        }
    }

    #[test]
    fn wide_text_needs_no_mark() {
        for text in ["let x = 1;\r\nlet y = 2;\n", "読み込み。\n設定ファイルを返します。\n", "Привет, мир\n"]
        {
            let narrow: Vec<u16> = text.encode_utf16().collect();
            let wide: Vec<u32> = text.chars().map(u32::from).collect();
            for (encoding, bytes) in [
                (
                    Encoding::Utf16(Order::Little, Mark::Missing),
                    narrow.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
                ),
                (
                    Encoding::Utf16(Order::Big, Mark::Missing),
                    narrow.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
                ),
                (
                    Encoding::Utf32(Order::Little, Mark::Missing),
                    wide.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
                ),
                (
                    Encoding::Utf32(Order::Big, Mark::Missing),
                    wide.iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<u8>>(),
                ),
            ] {
                // A text without any sign of ASCII has no NUL in UTF-16.
                assert_eq!(sniff(&bytes), Sniffed::Text(encoding), "{text} in {}", encoding.name());
            }
        }
    }

    #[test]
    fn noise_is_not_text() {
        assert_eq!(sniff(b"caf\xe9 au lait, s'il vous pla\xeet, et merci\n"), Sniffed::Text(Encoding::Utf8));
        for noise in [
            [0xc3, 0x28, 0xa0, 0xa1].repeat(50),
            b"\x7fELF\x02\x01\0\0".repeat(9),
            b"\x89PNG\x0d\x0a\x1a\x0a\0\0\0\x0dIHDR".to_vec(),
            b"a\0b".to_vec(),
            (0..=255_u8).collect(),
            (1..=253_u8).rev().collect(),
            (0..4096_u16).flat_map(|sample| (sample % 7).wrapping_sub(3).to_le_bytes()).collect(),
        ] {
            assert_eq!(sniff(&noise), Sniffed::Binary, "{noise:?}");
        }
    }

    /// Latin-1 with few signs of its own is shown with marks for them; with many it is text all the same.
    #[test]
    fn dense_latin_is_other_text() {
        let text = "Það þýðir að öll börn fá að læra þó að þau séu önnur.\n";
        let (bytes, ..) = WINDOWS_1252.encode(text);
        assert_eq!(sniff(&bytes), Sniffed::OtherText);
        assert_eq!(refine(Sniffed::OtherText, &bytes), None);
    }

    /// A flaw in UTF-8 is no other encoding, and neither is a character that is cut.
    #[test]
    fn flawed_utf8_stays_utf8() {
        let mut flawed = CHINESE.as_bytes().to_vec();
        flawed.insert(40, 0xff);
        assert_eq!(sniff(&flawed), Sniffed::Text(Encoding::Utf8));
        assert_eq!(sniff(CHINESE.as_bytes().get(..10).unwrap()), Sniffed::Text(Encoding::Utf8));
    }

    /// A text is known by all of its bytes when its beginning says nothing.
    #[test]
    fn a_late_word_decides() {
        let text = format!("{}{}", "int x;\n".repeat(2_000), CHINESE.repeat(5));
        let (bytes, ..) = GBK.encode(&text);
        let head = sniff(bytes.get(..8_192).unwrap());
        assert_eq!(head, Sniffed::Text(Encoding::Utf8));
        assert_eq!(refine(head, &bytes), Some(Encoding::Legacy(GBK)));
    }
}
