//! A pass over the bytes of a model file before they are decoded.
//!
//! A decoder allocates hundreds of bytes for a message that is two bytes long. This pass counts
//! what would be allocated, and refuses the parts of ONNX that the crate does not read, so that the
//! decoder never recurses and never takes much more memory than the file is long.

use super::{ModelError, MAX_MODEL_ITEMS};

/// The messages of `onnx.proto` that can hold other messages.
#[derive(Clone, Copy)]
enum Message {
	Model,
	Graph,
	Node,
	Attribute,
	Tensor,
	ValueInfo,
	Type,
	TensorType,
	Shape,
	Annotation,
	/// A message that holds no others.
	Leaf,
}

/// What a length-delimited field holds.
enum Field {
	Message(Message),
	/// A string, bytes, packed numbers, or a field that the decoder skips.
	Bytes,
	Refused(&'static str, &'static str),
}

/// Field numbers as in `proto/onnx.proto`.
fn field(message: Message, number: u64) -> Field {
	use Field::{Bytes, Message as M, Refused};
	const INLINE: &str = "inline them before export";
	match (message, number) {
		(Message::Model, 7) => M(Message::Graph),
		(Message::Model, 8 | 14) => M(Message::Leaf),
		(Message::Model, 20) => Refused("training information", "export the model for inference"),
		(Message::Model, 25) => Refused("local functions", INLINE),
		(Message::Model, 26) => Refused("device configurations", "export without them"),
		(Message::Graph, 1) => M(Message::Node),
		(Message::Graph, 5) => M(Message::Tensor),
		(Message::Graph, 11..=13) => M(Message::ValueInfo),
		(Message::Graph, 14) => M(Message::Annotation),
		(Message::Graph, 15) => Refused("sparse initialisers", "store the weights densely"),
		(Message::Graph, 16) => M(Message::Leaf),
		(Message::Node, 5) => M(Message::Attribute),
		(Message::Node, 9) => M(Message::Leaf),
		(Message::Node, 10) => Refused("device configurations", "export without them"),
		(Message::Attribute, 5 | 10) => M(Message::Tensor),
		(Message::Attribute, 6 | 11) => {
			Refused("subgraphs (If, Loop or Scan)", "export the model without control flow")
		},
		(Message::Attribute, 22 | 23) => Refused("sparse tensors", "store the weights densely"),
		(Message::Attribute, 14 | 15) => Refused("type attributes", "use tensors only"),
		(Message::Tensor, 3) => Refused("segmented tensors", "store each tensor in one piece"),
		(Message::Tensor, 13 | 16) => M(Message::Leaf),
		(Message::ValueInfo, 2) => M(Message::Type),
		(Message::ValueInfo, 4) => M(Message::Leaf),
		(Message::Type, 1) => M(Message::TensorType),
		(Message::Type, 4 | 5 | 7 | 8 | 9) => {
			Refused("values that are no dense tensors", "use tensors only")
		},
		(Message::TensorType, 2) => M(Message::Shape),
		(Message::Shape, 1) => M(Message::Leaf),
		(Message::Annotation, 2) => M(Message::Leaf),
		_ => Bytes,
	}
}

fn truncated() -> ModelError {
	ModelError::Malformed("it ends in the middle of a field".into())
}

fn varint(bytes: &mut &[u8]) -> Result<u64, ModelError> {
	let mut value = 0u64;
	for shift in (0..64).step_by(7) {
		let (&byte, rest) = bytes.split_first().ok_or_else(truncated)?;
		*bytes = rest;
		value |= u64::from(byte & 0x7f) << shift;
		if byte < 0x80 {
			return Ok(value);
		}
	}
	Err(ModelError::Malformed("a number in it is longer than 64 bits".into()))
}

fn skip<'a>(bytes: &mut &'a [u8], count: u64) -> Result<&'a [u8], ModelError> {
	let count = usize::try_from(count).map_err(|_| truncated())?;
	let (head, rest) = bytes.split_at_checked(count).ok_or_else(truncated)?;
	*bytes = rest;
	Ok(head)
}

fn walk(message: Message, mut bytes: &[u8], items: &mut usize) -> Result<(), ModelError> {
	while !bytes.is_empty() {
		let key = varint(&mut bytes)?;
		match key & 7 {
			0 => {
				varint(&mut bytes)?;
			},
			1 => {
				skip(&mut bytes, 8)?;
			},
			5 => {
				skip(&mut bytes, 4)?;
			},
			2 => {
				*items += 1;
				if *items > MAX_MODEL_ITEMS {
					return Err(ModelError::TooManyItems);
				}
				let length = varint(&mut bytes)?;
				let body = skip(&mut bytes, length)?;
				match field(message, key >> 3) {
					Field::Message(inner) => walk(inner, body, items)?,
					Field::Bytes => {},
					Field::Refused(what, hint) => {
						return Err(ModelError::Feature { what, hint });
					},
				}
			},
			_ => return Err(ModelError::Malformed("a field has an unknown wire type".into())),
		}
	}
	Ok(())
}

/// Checks that `bytes` are a `ModelProto` with few enough items and only with parts that are read.
pub(super) fn check(bytes: &[u8]) -> Result<(), ModelError> {
	walk(Message::Model, bytes, &mut 0)
}
