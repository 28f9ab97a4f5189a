//! Paragraphs that were broken for the screen of their writer (RFC 3676).

/// Joins the lines of a text sent as `format=flowed`; with `delsp` the space before each break is dropped too.
pub(super) fn unflow(text: &str, delsp: bool) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for (n, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let content = line.trim_start_matches('>');
        let depth = line.len() - content.len();
        let content = content.strip_prefix(' ').unwrap_or(content);
        let signature = content == "-- ";
        if open != Some(depth) || signature {
            if n > 0 {
                joined.push('\n');
            }
            joined.push_str(line.get(..depth).unwrap_or_default());
            if depth > 0 && !content.is_empty() {
                joined.push(' ');
            }
        }
        let flows = content.ends_with(' ') && !signature;
        joined.push_str(content.strip_suffix(' ').filter(|_| flows && delsp).unwrap_or(content));
        open = flows.then_some(depth);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowing_lines_are_joined_at_equal_depth() {
        for (text, joined) in [
            ("a \nb\nc", "a b\nc"),
            ("> a \n> b \nc", "> a b \nc"),
            (">> a \n> b", ">> a \n> b"),
            (" >not quoted\n From here", ">not quoted\nFrom here"),
            ("a \n-- \nAnna", "a \n-- \nAnna"),
            ("", ""),
        ] {
            assert_eq!(unflow(text, false), joined, "{text:?}");
        }
        assert_eq!(unflow("日 \n本", true), "日本");
    }
}
