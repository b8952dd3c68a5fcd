//! Models that others have trained, read from their files and run as hierarchical local models.
//!
//! [`Encoder`] reads an encoder of the BERT kind with its tokenizer, as a folder of `config.json`, `model.safetensors` (or
//! `model.onnx`) and `tokenizer.json`, and turns sentences into vectors. [`language_model`] reads a language model of the GPT-2 kind with its
//! tokenizer, [`decoder`] its parameters alone.

mod bert;
mod config;
mod encoder;
mod folder;
mod gpt2;
mod onnx;
mod text;
mod weights;
mod word_piece;

pub use encoder::{Encoder, Pooling};
pub use gpt2::{decoder, language_model};
pub use word_piece::WordPiece;
