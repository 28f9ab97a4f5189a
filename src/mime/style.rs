//! Style attributes: which declarations of a stranger can do no harm.

/// Properties that change how a text looks where it stands, and nothing else.
const PROPERTIES: [&str; 26] = [
    "background",
    "background-color",
    "border",
    "border-collapse",
    "border-radius",
    "border-spacing",
    "clear",
    "color",
    "direction",
    "display",
    "float",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "overflow-wrap",
    "table-layout",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
    "word-wrap",
];
/// Families of such properties.
const FAMILIES: [&str; 5] = ["border-", "font", "margin", "padding", "text-"];
/// Functions that name a colour; no other is of use to a message.
const FUNCTIONS: [&str; 4] = ["rgb", "rgba", "hsl", "hsla"];
/// Longest value.
const MAX_VALUE: usize = 300;

/// The harmless declarations of a style attribute.
pub(super) fn harmless(style: &str) -> String {
    let declarations = style.split(';').filter_map(|declaration| {
        let (name, value) = declaration.split_once(':')?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.split('!').next()?.trim());
        let known = PROPERTIES.contains(&name.as_str()) || FAMILIES.iter().any(|f| name.starts_with(f));
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        (known && plain && is_harmless(&name, value)).then(|| format!("{name}:{value}"))
    });
    declarations.collect::<Vec<_>>().join(";")
}

/// Whether a value holds nothing but words, numbers, names in quotes and colours. A negative margin would put the text
/// over what is not the message's.
fn is_harmless(name: &str, value: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || " #%.,'\"()-+/_".contains(c);
    let functions = value.split('(').rev().skip(1).all(|before| {
        let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        FUNCTIONS.iter().any(|known| word.eq_ignore_ascii_case(known))
    });
    let quotes = value.chars().filter(|c| "'\"".contains(*c)).count();
    let parentheses = value.matches('(').count() == value.matches(')').count();
    !value.is_empty()
        && value.len() <= MAX_VALUE
        && value.chars().all(allowed)
        && functions
        && quotes % 2 == 0
        && parentheses
        && !(name.starts_with("margin") && value.contains('-'))
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn declarations_that_only_change_looks_are_kept() {
        for (style, kept) in [
            ("color:red", "color:red"),
            (" COLOR : Red !important ; ", "color:Red"),
            ("font:12px/1.5 'Segoe UI', \"Helvetica Neue\"", "font:12px/1.5 'Segoe UI', \"Helvetica Neue\""),
            (
                "background:#fff;margin:0 auto;padding:1em;mso-x:y",
                "background:#fff;margin:0 auto;padding:1em",
            ),
            ("border-top:1px solid rgba(0, 0, 0, .5)", "border-top:1px solid rgba(0, 0, 0, .5)"),
            ("text-indent:-18pt;margin-left:-9999px;margin:-1px", "text-indent:-18pt"),
        ] {
            assert_eq!(harmless(style), kept);
            assert_eq!(harmless(kept), kept);
        }
    }

    #[test]
    fn what_loads_moves_or_runs_is_left_out() {
        for style in [
            "background:url(https://x.example/a.png)",
            "background:#fff url('//x')",
            "background:u\\72l(x)",
            "background:image-set('x' 1x)",
            "background:ur/**/l(x)",
            "width:expression(alert(1))",
            "width:calc(1px)",
            "position:fixed",
            "top:0",
            "z-index:9",
            "behavior:url(x)",
            "-moz-binding:url(x)",
            "@import 'x'",
            "color:red}body{color:blue",
            "font-family:'x",
            "color:var(--x)",
            "--x:1",
            "content:'x'",
            "color",
            "color:",
            "",
        ] {
            assert_eq!(harmless(style), "", "{style}");
        }
    }
}
