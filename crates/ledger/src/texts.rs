//! Ids of accounts in little memory: pieces of 64 KiB, so that growing never copies what is there.

const PIECE: usize = 64 * 1024;

/// Texts of at most 255 bytes, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    pieces: Vec<String>,
}

/// Where a text lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextAt {
    piece: u32,
    start: u16,
    length: u8,
}

impl TextAt {
    /// No text.
    pub(crate) const NOWHERE: TextAt = TextAt { piece: 0, start: 0, length: 0 };

    pub(crate) fn is_nowhere(self) -> bool {
        self.length == 0
    }
}

impl Texts {
    pub(crate) fn push(&mut self, text: &str) -> TextAt {
        let has_room = self.pieces.last().is_some_and(|piece| piece.len() + text.len() < PIECE);
        if !has_room {
            self.pieces.push(String::with_capacity(PIECE));
        }
        let number = self.pieces.len() - 1;
        let piece = &mut self.pieces[number];
        let start = piece.len();
        piece.push_str(text);
        TextAt {
            piece: u32::try_from(number).expect("fewer than 2^48 bytes of ids"),
            start: u16::try_from(start).expect("a piece has 64 KiB"),
            length: u8::try_from(text.len()).expect("ids have at most 128 bytes"),
        }
    }

    pub(crate) fn get(&self, at: TextAt) -> &str {
        let start = usize::from(at.start);
        let piece = self.pieces.get(at.piece as usize);
        piece.and_then(|piece| piece.get(start..start + usize::from(at.length))).unwrap_or_default()
    }

    /// Takes back the text that was pushed last.
    pub(crate) fn pop(&mut self, at: TextAt) {
        if let Some(piece) = self.pieces.get_mut(at.piece as usize) {
            piece.truncate(usize::from(at.start));
            self.pieces.truncate(at.piece as usize + 1);
        }
    }
}
