//! HTML of strangers made fit to be shown: what attacks, what tracks, and what real mail looks like.

use std::fmt::Write as _;

use practicemail::mime::{HtmlOptions, RemoteContent, SafeHtml, sanitise};
use proptest::prelude::*;

fn blocked(html: &str) -> SafeHtml {
    sanitise(html, &HtmlOptions::new())
}

fn shown(html: &str) -> String {
    blocked(html).html
}

fn with_images(html: &str) -> SafeHtml {
    sanitise(html, &HtmlOptions::new().remote_content(RemoteContent::Allowed))
}

/// The tags of sanitised HTML, in which no `<` or `>` is anything else.
fn tags(html: &str) -> Vec<String> {
    html.split('<').skip(1).map(|piece| piece.split('>').next().unwrap().to_lowercase()).collect()
}

/// The attributes of a sanitised tag, in whose values no `"` stands.
///
/// Whatever is not ` name="value"` is given as a name that nobody knows.
fn attributes(tag: &str) -> Vec<(&str, &str)> {
    let mut attributes = Vec::new();
    let mut rest = tag.trim_start_matches('/').trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    while !rest.is_empty() {
        let read = rest.strip_prefix(' ').and_then(|attribute| {
            let (name, value) = attribute.split_once("=\"")?;
            let (value, after) = value.split_once('"')?;
            Some(((name, value), after))
        });
        let (attribute, after) = read.unwrap_or(((rest, ""), ""));
        attributes.push(attribute);
        rest = after;
    }
    attributes
}

/// Fails where anything is left that runs, loads or leaves its place.
#[track_caller]
fn check_harmless(source: &str, html: &str) {
    for tag in tags(html) {
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        let known = "a b blockquote br div h1 i img li ol p span table tbody td th tr u ul caption center code dd dl dt em \
             font hr s small strong sub sup tfoot thead";
        assert!(known.split_whitespace().any(|known| known == name), "{name} is left of {source:?}: {html}");
        for (name, value) in attributes(&tag) {
            let fine = [
                "align", "alt", "bgcolor", "border", "color", "dir", "height", "href", "lang", "rel", "size",
                "src", "style", "target", "title", "type", "valign", "width",
            ]
            .contains(&name);
            assert!(fine, "{name} is left of {source:?}: {html}");
            if name == "href" {
                let fine =
                    ["http:", "https:", "mailto:", "tel:"].iter().any(|scheme| value.starts_with(scheme));
                assert!(fine, "{value} is left of {source:?}");
            }
            if name == "src" {
                assert!(
                    value.starts_with("http") || value.starts_with("/mail/"),
                    "{value} is left of {source:?}"
                );
            }
            if name == "style" {
                let bad = ["url", "expression", "@", "position", "\\", "/*", "var("];
                assert!(bad.iter().all(|bad| !value.contains(bad)), "{value} is left of {source:?}");
            }
        }
    }
}

/// Attacks as they are written down by those who collect them.
const ATTACKS: &[&str] = &[
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//x.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script/x>alert(1)</script >",
    "<script>a</script<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    "<img src='x'onerror=alert(1)>",
    "<IMG \"\"\"><SCRIPT>alert(1)</SCRIPT>\">",
    "<img src=javascript:alert(1)>",
    "<img src=\"jav\tascript:alert(1)\">",
    "<img src=\"data:image/svg+xml;base64,PHN2Zy8+\">",
    "<img src=\"data:image/png;base64,iVBORw0KGgo=\">",
    "<img src=\"cid:x\" onload=alert(1)>",
    "<img src=\"CID:x&quot; onerror=&quot;alert(1)\">",
    "<img src=\"cid:javascript:alert(1)\">",
    "<img src=\"cid:../../etc/passwd\">",
    "<img srcset=\"https://x.example/a 1x\">",
    "<img lowsrc=https://x.example/a dynsrc=https://x.example/b>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>",
    "<svg><animate attributeName=href values=javascript:alert(1) /></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<template><img src=x onerror=alert(1)></template>",
    "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\"></textarea>",
    "<title><img title=\"</title><img src=x onerror=alert(1)>\"></title>",
    "<xmp><img title=\"</xmp><img src=x onerror=alert(1)>\"></xmp>",
    "<noembed><img title=\"</noembed><img src=x onerror=alert(1)>\">",
    "<plaintext><script>alert(1)</script>",
    "<select><template><style><!--</style><a rel=\"--></style></template></select><img id=x src onerror=alert(1)>\">",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<![CDATA[><img src=x onerror=alert(1)>]]>",
    "<?xml version=\"1.0\"?><script>alert(1)</script>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
    "<a href=\" &#14; javascript:alert(1)\">x</a>",
    "<a href=\"java\nscript:alert(1)\">x</a>",
    "<a href=\"java&Tab;script&colon;alert(1)\">x</a>",
    "<a href=\"&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A&#x61\">x</a>",
    "<a href=\"&#0000106&#0000097&#0000118&#0000097script:alert(1)\">x</a>",
    "<a href=\"vbscript:msgbox(1)\">x</a>",
    "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
    "<a href=\"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==\">x</a>",
    "<a href=\"file:///etc/passwd\">x</a>",
    "<a href=\"//x.example\">x</a>",
    "<a href=\"/account/delete\">x</a>",
    "<a href=\"#top\" id=top name=top>x</a>",
    "<a href=x: onmouseover=alert(1) ping=https://x.example>x</a>",
    "<a href='https://x.example' target=_self rel=opener>x</a>",
    "<p title=\" \"> onload=x<img src=\"cid:javascript:alert(1)\">",
    "<area href=javascript:alert(1)>",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<iframe src=https://x.example></iframe>",
    "<frameset><frame src=javascript:alert(1)></frameset>",
    "<object data=https://x.example/x.swf></object>",
    "<object><param name=movie value=https://x.example></object>",
    "<embed src=javascript:alert(1)>",
    "<applet code=x></applet>",
    "<video src=https://x.example/a poster=https://x.example/b onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<body onload=alert(1) background=https://x.example/a>",
    "<table background=\"javascript:alert(1)\"><td background=https://x.example/a>x",
    "<meta http-equiv=refresh content=\"0;url=https://x.example\">",
    "<base href=\"https://x.example/\">",
    "<link rel=stylesheet href=https://x.example/x.css>",
    "<link rel=prefetch href=https://x.example/>",
    "<style>@import 'https://x.example/x.css'; body{display:none}</style>",
    "<style>*{background:url(https://x.example)}</style>",
    "<p style=\"background:url(https://x.example/a)\">x",
    "<p style=\"background:url&#40;https://x.example/a&#41;\">x",
    "<p style=\"background-image:\\75rl('https://x.example')\">x",
    "<p style=\"width:expression(alert(1))\">x",
    "<p style=\"@import 'https://x.example/x.css'\">x",
    "<p style=\"position:fixed;top:0;left:0;width:100%;height:100%\">x",
    "<p style=\"margin-top:-900px\">x",
    "<p style=\"color:red;/*\">x</p><p style=\"*/background:url(x)\">",
    "<p style='color:red\";onclick=alert(1)'>x",
    "<form action=https://x.example><input name=password><button formaction=javascript:alert(1)>x</button></form>",
    "<input autofocus onfocus=alert(1)>",
    "<isindex action=javascript:alert(1) type=image>",
    "<keygen autofocus onfocus=alert(1)>",
    "<p id=login class=\"modal admin\" name=x contenteditable draggable tabindex=1 accesskey=x data-x=1 aria-label=x>x",
    "<p slot=x is=x part=x itemid=x xmlns=x xml:base=javascript:alert(1)>x",
    "<p \u{0}onclick=alert(1) on\u{0}click=alert(1)>x",
    "<p title='\"><script>alert(1)</script>'>x",
    "<p title=`\"><script>alert(1)</script>`>x",
    "<p title=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\">x",
    "<div><table><svg><foreignObject><p><script>alert(1)</script>",
    "<b <script>alert(1)</script>0",
    "<p><a href=\"https://x.example/?q=&quot;onclick=alert(1)\">x",
    "%3Cscript%3Ealert(1)%3C/script%3E&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u{ff1c}script\u{ff1e}alert(1)",
];

#[test]
fn nothing_of_an_attack_is_left() {
    let options = || {
        let inline = |id: &str| (id == "x").then(|| "/mail/1/x".to_owned());
        HtmlOptions::new().inline(inline)
    };
    for attack in ATTACKS {
        for source in [(*attack).to_owned(), format!("<div><p title=\"x\">before {attack} after</p></div>")] {
            for remote in [RemoteContent::Blocked, RemoteContent::Allowed] {
                let safe = sanitise(&source, &options().remote_content(remote));
                check_harmless(&source, &safe.html);
                if remote == RemoteContent::Blocked {
                    let loads =
                        tags(&safe.html).iter().any(|tag| tag.starts_with("img") && tag.contains("http"));
                    assert!(!loads, "{source}: {}", safe.html);
                }
            }
        }
    }
}

#[test]
fn what_people_write_is_kept() {
    for (html, expected) in [
        (
            "<p>Dear Anna,<br/>\n<b>2 &lt; 3</b> &amp; &nbsp;&euro;</p>",
            "<p>Dear Anna,<br>\n<b>2 &lt; 3</b> &amp; &nbsp;€</p>",
        ),
        ("1 < 2 and 3 > 2 & so on", "1 &lt; 2 and 3 &gt; 2 &amp; so on"),
        (
            "<html><head><title>t</title><meta charset=utf-8></head><body bgcolor=#fff><div dir=rtl>x</div></body></html>",
            "<div dir=\"rtl\">x</div>",
        ),
        (
            "<a href='HTTPS://x.example/?a=1&b=2' title=t>x</a>",
            "<a href=\"HTTPS://x.example/?a=1&amp;b=2\" title=\"t\" target=\"_blank\" rel=\"noopener noreferrer\">x</a>",
        ),
        (
            "<a href=\" mailto:a@x.example\">x</a>",
            "<a href=\"mailto:a@x.example\" target=\"_blank\" rel=\"noopener noreferrer\">x</a>",
        ),
        (
            "<p class=MsoNormal style='margin:0cm;mso-x:y;font-size:11.0pt'><o:p>&nbsp;</o:p></p>",
            "<p style=\"margin:0cm;font-size:11.0pt\">&nbsp;</p>",
        ),
        ("<p>a<p>b<div>c</div>d", "<p>a</p><p>b</p><div>c</div>d"),
        (
            "<ul><li>a<li>b<ul><li>c</ul><li>d</ul>",
            "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>",
        ),
        ("<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>"),
        (
            "<table width=100% ><tr><td>a<td align=right>b<tr><td colspan=2>c</table>d",
            "<table width=\"100%\"><tbody><tr><td>a</td><td align=\"right\">b</td></tr><tr><td colspan=\"2\">c</td></tr></tbody></table>d",
        ),
        ("<table>a<b>b</b></table>", "<table><tbody><tr><td>a<b>b</b></td></tr></tbody></table>"),
        (
            "<table><td><div>a</table>b</div>c",
            "<table><tbody><tr><td><div>a</div></td></tr></tbody></table>bc",
        ),
        ("<td>a</td></table></div>b", "ab"),
        ("<b>a<i>b</b>c</i>", "<b>a<i>b</i></b>c"),
        ("<pre>\n a\n  b</pre>", "<div style=\"white-space:pre-wrap;font-family:monospace\">\n a\n  b</div>"),
        (
            "<object data=https://x.example/a>instead</object><video>instead</video><svg/>after",
            "insteadinsteadafter",
        ),
        ("a\r\nb\rc&#13;d", "a\nb\nc\nd"),
        ("<p>größer 漢字 😀</p>", "<p>größer 漢字 😀</p>"),
        ("a<p", "a"),
        ("", ""),
    ] {
        assert_eq!(shown(html), expected, "{html}");
    }
}

#[test]
fn images_are_the_messages_own_or_allowed() {
    let html = "<img src=\"cid:logo%40x\" width=10 alt=\"a &gt; b\"><img src=cid:other><img src=https://x.example/a.gif>\
        <img src=//x.example/b.gif><img src=/c.gif><img><img src=http://x.example/d.gif srcset='https://x.example/e 2x'>";
    let own =
        |url: &'static str| HtmlOptions::new().inline(move |id| (id == "logo@x").then(|| url.to_owned()));
    let safe = sanitise(html, &own("/mail/1?a&b"));
    let image = "<img src=\"/mail/1?a&amp;b\" alt=\"a &gt; b\" width=\"10\">";
    assert_eq!((safe.html.as_str(), safe.blocked), (image, 4));
    for url in ["javascript:x", "data:image/png;base64,", "//x.example/a", "", "cid:x"] {
        assert_eq!(sanitise(html, &own(url)).html, "", "{url}");
    }
    let safe = with_images(html);
    let loaded = ["https://x.example/a.gif", "https://x.example/b.gif", "http://x.example/d.gif"];
    assert_eq!(safe.html, loaded.map(|url| format!("<img src=\"{url}\">")).concat());
    assert_eq!(safe.blocked, 1);
    let elsewhere =
        "<table background=http://x.example/a><td style=\"background:url(https://x.example/b)\">x";
    assert_eq!((blocked(elsewhere).blocked, with_images(elsewhere).blocked), (2, 2));
}

/// On a thread with the stack of a host's worker.
fn on_a_small_stack(html: String) -> SafeHtml {
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    thread.spawn(move || with_images(&html)).unwrap().join().unwrap()
}

#[test]
fn what_is_nested_or_repeated_without_end_stays_small() {
    let formatting: String = (0..8_000).fold(String::new(), |mut html, n| {
        write!(html, "<b title={n}>").unwrap();
        html
    });
    for (begin, run) in [
        ("", "<div>"),
        ("", "<b>"),
        ("", "<a href=https://x.example>"),
        ("", "<table><tr><td>"),
        ("", "<table>"),
        ("", "<ul><li>"),
        ("", "<p><font color=red>"),
        ("", "</div>"),
        ("", "<"),
        ("", "<div "),
        ("", "&lt;"),
        ("", "<a \""),
        ("", "<p x=y"),
        ("", "<svg>"),
        ("", "<style>"),
        ("", "</p><br>"),
        (&formatting, "<p>x"),
        (&formatting, "<table>x<tr>"),
        (&format!("<p>{formatting}</p>"), "<p>x"),
        (&format!("<table>{formatting}"), "x<tr>"),
    ] {
        let safe = on_a_small_stack(format!("{begin}{}", run.repeat(25_000)));
        assert!(safe.html.len() < 8 * 1024 * 1024, "{run}: {}", safe.html.len());
        assert!(safe.html.matches('<').count() < 600_000, "{run}");
    }
}

fn html() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(ATTACKS).prop_map(str::to_owned),
        "</?(a|b|p|div|table|tbody|tr|td|ul|li|pre|h1|svg|math|style|script|form|font)( (href|src|style|title|onclick)=(\"[^\"]{0,8}\"|[a-z:]{0,6}))?/?>",
        "(<!--|-->|<!|&[a-z#0-9]{0,5};?|javascript:|[\r\n\0 <>\"'=]| onload=x){1,4}",
        "[a-zé ]{0,6}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_sanitised_is_harmless_and_stays_as_it_is(html in html(), any in any::<String>(), loads in any::<bool>()) {
        let sanitise = |html: &str| if loads { with_images(html) } else { blocked(html) };
        for html in [&html, &any] {
            let safe = sanitise(html);
            check_harmless(html, &safe.html);
            let again = sanitise(&safe.html);
            prop_assert_eq!(&again.html, &safe.html);
            prop_assert_eq!(again.blocked, 0);
        }
    }
}
