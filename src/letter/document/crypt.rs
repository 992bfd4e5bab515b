//! Whether a PDF is locked.
use super::file::PdfFile;
use super::lexer::Value;

#[derive(Debug)]
pub(super) struct Lock;

impl Lock {
    pub(super) fn of(file: &PdfFile<'_>) -> Option<Lock> {
        file.trailer("Encrypt").map(|_| Lock)
    }
    pub(super) fn open_texts(&self, _: &mut Value, _: u32, _: u32) {}
    pub(super) fn open_stream(&self, _: &[u8], _: u32, _: u32) -> Option<Vec<u8>> {
        None
    }
    pub(super) fn is_open(&self) -> bool {
        false
    }
}
