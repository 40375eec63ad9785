//! Files of input rows and of labels.

/// Format of a file of rows; there is no header in any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
	/// Bytes, each a number.
	U8,
	/// `float`, little-endian.
	F32,
	/// Text: a row per line, numbers separated by commas; empty lines are skipped.
	Csv,
}

impl Format {
	/// The format that a file name ends in: `.u8`, `.f32` or `.csv`.
	pub fn of_name(name: &str) -> Option<Self> {
		match name.rsplit_once('.')?.1 {
			"u8" => Some(Self::U8),
			"f32" => Some(Self::F32),
			"csv" => Some(Self::Csv),
			_ => None,
		}
	}
}

/// Why a file does not hold rows.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowsError {
	/// The length is no multiple of a row's.
	#[error("the file has {bytes} bytes, which is no whole number of rows of {row_bytes} bytes")]
	PartialRow {
		/// Length of the file.
		bytes: usize,
		/// Length of a row.
		row_bytes: usize,
	},
	/// A line has another number of values than a row.
	#[error("line {line} has {got} values; a row has {expected}")]
	RowLength {
		/// The line, counted from 1.
		line: usize,
		/// Values of a row.
		expected: usize,
		/// Values of the line.
		got: usize,
	},
	/// A field is not a number.
	#[error("line {line}: '{field}' is not a number")]
	Number {
		/// The line, counted from 1.
		line: usize,
		/// The field.
		field: String,
	},
	/// The file is not text.
	#[error("the file is not UTF-8 text")]
	Text,
}

/// Rows of real numbers, all of one length.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
	row_len: usize,
	values: Vec<f32>,
}

impl Rows {
	/// Reads rows of `row_len` values (at least 1).
	pub fn read(format: Format, bytes: &[u8], row_len: usize) -> Result<Self, RowsError> {
		let row_len = row_len.max(1);
		let width = if format == Format::F32 { 4 } else { 1 };
		let row_bytes = row_len.saturating_mul(width);
		if format != Format::Csv && !bytes.len().is_multiple_of(row_bytes) {
			return Err(RowsError::PartialRow { bytes: bytes.len(), row_bytes });
		}
		let values = match format {
			Format::U8 => bytes.iter().map(|&x| f32::from(x)).collect(),
			Format::F32 => bytes
				.chunks_exact(4)
				.map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]]))
				.collect(),
			Format::Csv => read_csv(bytes, row_len)?,
		};
		Ok(Self { row_len, values })
	}

	/// Number of rows.
	pub fn len(&self) -> usize {
		self.values.len() / self.row_len
	}

	/// Whether there are none.
	pub fn is_empty(&self) -> bool {
		self.values.is_empty()
	}

	/// Values per row.
	pub fn row_len(&self) -> usize {
		self.row_len
	}

	/// A row, counted from 0; empty past the end.
	pub fn row(&self, index: usize) -> Vec<f32> {
		self.values.chunks_exact(self.row_len).nth(index).unwrap_or_default().to_vec()
	}
}

fn read_csv(bytes: &[u8], row_len: usize) -> Result<Vec<f32>, RowsError> {
	let text = std::str::from_utf8(bytes).map_err(|_| RowsError::Text)?;
	let mut values = Vec::new();
	for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
		let line_number = index + 1;
		let before = values.len();
		for field in line.split(',').map(str::trim) {
			let number = field.parse().map_err(|_| RowsError::Number {
				line: line_number,
				field: field.chars().take(32).collect(),
			})?;
			values.push(number);
		}
		let got = values.len() - before;
		if got != row_len {
			return Err(RowsError::RowLength { line: line_number, expected: row_len, got });
		}
	}
	Ok(values)
}

/// Reads labels: a byte each, or a number per line in `.csv`. `.f32` labels are rounded down.
pub fn read_labels(format: Format, bytes: &[u8]) -> Result<Vec<u32>, RowsError> {
	Ok(Rows::read(format, bytes, 1)?.values.iter().map(|&label| label as u32).collect())
}
