//! Models that others have trained: their files, against plain loops and against their own runtime.

mod bert;
mod bpe;
mod files;
mod gpt2;
mod minilm;
mod onnx;
mod plain;
mod tensors;
mod tokenizer;
