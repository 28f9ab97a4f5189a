//! stub until the scanner lands
use super::addressing_headers;
use crate::types::{Digest, ParsedMessage};
/// stub
#[derive(Debug, Default)]
pub struct MessageScan(Vec<u8>);
impl MessageScan {
    /// stub
    pub fn new() -> Self {
        Self::default()
    }
    /// stub
    pub fn update(&mut self, octets: &[u8]) {
        let room = 300_000usize.saturating_sub(self.0.len()).min(octets.len());
        self.0.extend(octets.get(..room).unwrap_or_default());
    }
    /// stub
    pub fn finish(self) -> ParsedMessage {
        let mut parsed = ParsedMessage::default();
        parsed.headers = addressing_headers(&self.0);
        let text = String::from_utf8_lossy(&self.0).into_owned();
        parsed.subject = crate::types::CleanText::new(text.split("Subject: ").nth(1).unwrap_or_default().split('\r').next().unwrap_or_default());
        parsed.rendition = Some(Digest::of(&self.0));
        parsed
    }
}
