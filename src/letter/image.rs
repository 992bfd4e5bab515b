//! Images of letters: each sent along once, never loaded from elsewhere.
//!
//! Owns which files are images, their Content-ID, and finding one by the path in a source.
//!
//! # Standards
//! RFC 2392 (cid), RFC 2387 (multipart/related, built in stage 3). The Content-ID follows from the
//! bytes, so that the same letter is always the same bytes.

use super::attachment::{Content, content};
use super::{Image, ImageFile};
use crate::id::{Digest, base32};
use crate::problem::{Place, Problem, Problems, nearest};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The images a campaign's letters may show, by the path written in the sources.
#[derive(Clone, Debug, Default)]
pub(super) struct Images {
    known: BTreeMap<String, Arc<Image>>,
}

impl Images {
    /// Takes the image files; one that is no image is a problem.
    pub(super) fn new(files: &BTreeMap<String, ImageFile>, problems: &mut Problems) -> Images {
        let mut known = BTreeMap::new();
        for (path, file) in files {
            match image(path, file) {
                Some(image) => {
                    known.insert(path.clone(), Arc::new(image));
                }
                None => problems.push(
                    Problem::error("bad-image", format!("`{path}` is no PNG, JPEG, GIF or WebP"))
                        .hint("Save it as PNG or JPEG.")
                        .place(Place::file(&file.file)),
                ),
            }
        }
        Images { known }
    }

    /// The image at a path as written in a source.
    ///
    /// # Errors
    /// A [`Problem`] without a place: it is not in the workspace, or elsewhere.
    pub(super) fn find(&self, path: &str) -> Result<&Arc<Image>, Box<Problem>> {
        self.get(path).ok_or_else(|| {
            const WHERE: &str = "Put the file into templates/images/ and write images/NAME.";
            if path.contains("://") || path.starts_with("//") {
                let message = format!("`{path}` is not sent along");
                return Box::new(Problem::error("remote-image", message).hint(WHERE));
            }
            let near = nearest(path, self.known.keys().map(String::as_str));
            let hint = near.map_or(WHERE.to_owned(), |n| format!("Did you mean `{n}`?"));
            let message = format!("there is no image `{path}`");
            Box::new(Problem::error("missing-image", message).hint(hint))
        })
    }

    /// The image at a path, where there is one.
    pub(super) fn get(&self, path: &str) -> Option<&Arc<Image>> {
        self.known.get(path.strip_prefix("./").unwrap_or(path))
    }
}

fn image(path: &str, file: &ImageFile) -> Option<Image> {
    let media_type = match content(&file.bytes) {
        Content::Png => "image/png",
        Content::Jpeg => "image/jpeg",
        Content::Gif => "image/gif",
        Content::Webp => "image/webp",
        _ => return None,
    };
    let digest = Digest::of(&file.bytes);
    // 120 bits: no two images of a mailing share them.
    let content_id = format!("{}@secretariat", base32(&digest.as_bytes()[..15]));
    let name = path.rsplit('/').next().unwrap_or(path).to_owned();
    let media_type = media_type.to_owned();
    Some(Image { content_id, name, media_type, digest, bytes: Arc::clone(&file.bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_bytes() {
        let file = |bytes: &[u8]| ImageFile { file: "templates/x".to_owned(), bytes: bytes.into() };
        let files = BTreeMap::from([
            ("images/logo.png".to_owned(), file(b"\x89PNG\r\n\x1a\nabc")),
            ("images/page.png".to_owned(), file(b"<html>")),
        ]);
        let mut problems = Problems::new();
        let images = Images::new(&files, &mut problems);
        let logo = images.find("images/logo.png").unwrap();
        assert_eq!((logo.media_type.as_str(), logo.name.as_str()), ("image/png", "logo.png"));
        assert_eq!(logo.content_id.len(), 24 + "@secretariat".len());
        assert_eq!(problems.iter().next().unwrap().code, "bad-image");
        let hint = images.find("images/lgoo.png").unwrap_err().hint.unwrap();
        assert!(hint.contains("images/logo.png"));
        assert_eq!(images.find("https://x.example/a.png").unwrap_err().code, "remote-image");
    }
}
