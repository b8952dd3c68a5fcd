//! Byte-pair encoding: words as bytes, and merges of neighbours that were common where they were learned.

mod files;
mod learn;
mod merge;
mod words;

use std::collections::HashMap;
use std::ops::Range;

use locality_core::{Error, Result};

use crate::whole::{Piece, Whole, split};
pub(crate) use files::{merges_of, vocabulary_of};
use merge::Room;
use words::words;

/// A byte-level byte-pair encoding (Sennrich et al. 2016) of the GPT-2 kind (Radford et al. 2019): a text is cut into words by the published
/// expression, and of the neighbours in a word those are merged first that were first to be merged when it was learned. Every text has codes, and
/// they give back the same text.
///
/// [`from_json`](Self::from_json) and [`from_vocabulary`](Self::from_vocabulary) read published files, [`learn`](Self::learn) makes one from a text.
///
/// ```
/// use locality_learn::Bpe;
/// let text = "low lower lowest low slow";
/// let bpe = Bpe::learn(text, 300)?;
/// let codes = bpe.encode("slower than low");
/// assert_eq!(bpe.decode(&codes)?, "slower than low");
/// assert!(codes.len() < "slower than low".len());
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bpe {
    /// The bytes of every code; none where a vocabulary has a gap.
    tokens: Vec<Option<Box<[u8]>>>,
    /// The code of every byte.
    bytes: Vec<u32>,
    /// Left, right, and the code that they become, in their order.
    merges: Vec<[u32; 3]>,
    /// Places of pairs in there.
    ranks: HashMap<[u32; 2], u32>,
    whole: [Vec<Whole>; 2],
}

impl Bpe {
    /// Learns merges from a text, until there are `codes` codes or no pair occurs twice: the commonest pair first, of equals the one of the
    /// smallest codes. The codes up to 255 are the bytes themselves.
    ///
    /// # Errors
    /// Fewer than 256 codes or more than 16,777,216; an empty text.
    pub fn learn(text: &str, codes: usize) -> Result<Self> {
        if !(256..=files::LARGEST).contains(&codes) {
            return Err(Error::parameter(format!(
                "codes={codes} must be at least 256, one for each byte, and at most {}",
                files::LARGEST
            )));
        }
        if text.is_empty() {
            return Err(Error::empty(
                "text has no characters to learn merges from; give some",
            ));
        }
        let mut tokens: Vec<Vec<u8>> = (0..=255).map(|b| vec![b]).collect();
        let mut merges = Vec::new();
        for [a, b] in learn::learn(text, codes - 256) {
            merges.push([a, b, tokens.len() as u32]);
            tokens.push([&tokens[a as usize][..], &tokens[b as usize]].concat());
        }
        let tokens = tokens.into_iter().map(|t| Some(t.into())).collect();
        Ok(Self::new(
            tokens,
            (0..256).collect(),
            merges,
            <_>::default(),
        ))
    }

    fn new(
        tokens: Vec<Option<Box<[u8]>>>,
        bytes: Vec<u32>,
        merges: Vec<[u32; 3]>,
        whole: [Vec<Whole>; 2],
    ) -> Self {
        // Where a pair is there twice, the later place holds, as in the published runtimes.
        let each = merges.iter().zip(0..);
        let ranks = each.map(|(&[a, b, _], rank)| ([a, b], rank)).collect();
        Self {
            tokens,
            bytes,
            merges,
            ranks,
            whole,
        }
    }

    /// Every code is below this.
    pub fn code_count(&self) -> usize {
        self.tokens.len()
    }

    /// The bytes of a code, which need not be whole characters; none where there is no such code.
    pub fn token(&self, code: u32) -> Option<&[u8]> {
        self.tokens.get(code as usize)?.as_deref()
    }

    /// Pairs of codes in the order in which they merge, each with the code that it becomes.
    pub fn merges(&self) -> &[[u32; 3]] {
        &self.merges
    }

    /// The codes of a text. Texts that are codes as they stand, such as `<|endoftext|>`, become these.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut known = Known::default();
        let mut out = Vec::new();
        split(text, &self.whole[0], &mut |piece| {
            match piece {
                Piece::Code(code) => out.push(code),
                Piece::Text(text) => split(text, &self.whole[1], &mut |piece| {
                    match piece {
                        Piece::Code(code) => out.push(code),
                        Piece::Text(text) => {
                            for word in words(text) {
                                known.word(self, word, &mut out);
                            }
                        }
                    }
                    true
                }),
            }
            true
        });
        out
    }

    /// The text of codes; bytes that are no UTF-8 become the replacement character.
    ///
    /// # Errors
    /// A code that is not there.
    pub fn decode(&self, codes: &[u32]) -> Result<String> {
        let mut bytes = Vec::with_capacity(4 * codes.len());
        for &code in codes {
            bytes.extend(self.token(code).ok_or_else(|| {
                Error::parameter(format!(
                    "there is no code {code}; the tokenizer has {}",
                    self.code_count()
                ))
            })?);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Words that have been seen, by where their codes lie in the output: most of a text's words come again.
#[derive(Default)]
struct Known<'a> {
    at: HashMap<&'a str, Range<usize>>,
    room: Room,
}

impl<'a> Known<'a> {
    fn word(&mut self, bpe: &Bpe, word: &'a str, out: &mut Vec<u32>) {
        if let Some(range) = self.at.get(word) {
            out.extend_from_within(range.clone());
            return;
        }
        let from = out.len();
        self.room.word(bpe, word.as_bytes(), out);
        self.at.insert(word, from..out.len());
    }
}
