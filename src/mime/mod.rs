//! stub
/// stub
pub fn addressing_headers(_: &[u8]) -> crate::types::AddressingHeaders {
    crate::types::AddressingHeaders::default()
}
