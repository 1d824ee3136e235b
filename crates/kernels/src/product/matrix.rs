//! Views of matrices in slices.

/// A matrix within a slice: element (row, column) is `data[row * row_stride + column * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows one behind the other, `stride` numbers from the start of one to the next.
    ///
    /// # Panics
    /// If the slice is too short, or rows overlap.
    ///
    /// # Example
    /// ```
    /// use stapes_kernels::product::Matrix;
    ///
    /// let matrix = Matrix::strided(&[1.0, 2.0, 0.0, 3.0, 4.0], (2, 2), 3);
    /// assert_eq!(matrix.get(1, 0), 3.0);
    /// assert_eq!(matrix.transposed().get(1, 0), 2.0);
    /// ```
    pub fn strided(data: &'a [f32], (rows, columns): (usize, usize), stride: usize) -> Matrix<'a> {
        check(data.len(), rows, columns, stride);
        Matrix { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// Rows side by side without a gap.
    ///
    /// # Panics
    /// If the slice has not `rows * columns` numbers.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Matrix<'a> {
        assert_eq!(Some(data.len()), rows.checked_mul(columns), "numbers of a matrix {rows} x {columns}");
        Matrix { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same numbers with rows and columns exchanged.
    pub fn transposed(self) -> Matrix<'a> {
        Matrix {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// The rows `first..first + rows`.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn rows_from(self, first: usize, rows: usize) -> Matrix<'a> {
        assert!(first + rows <= self.rows, "rows {first}..{} of {}", first + rows, self.rows);
        if rows == 0 || self.columns == 0 {
            return Matrix { data: &[], rows, ..self };
        }
        Matrix { data: &self.data[first * self.row_stride..], rows, ..self }
    }

    /// The columns `first..first + columns`.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn columns_from(self, first: usize, columns: usize) -> Matrix<'a> {
        self.transposed().rows_from(first, columns).transposed()
    }

    /// The element at this row and column.
    ///
    /// # Panics
    /// If there is none.
    pub fn get(&self, row: usize, column: usize) -> f32 {
        assert!(row < self.rows && column < self.columns);
        self.data[row * self.row_stride + column * self.column_stride]
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One row's numbers; the columns must be contiguous.
    pub(crate) fn row(&self, row: usize) -> &'a [f32] {
        debug_assert_eq!(self.column_stride, 1);
        &self.data[row * self.row_stride..][..self.columns]
    }

    /// Whether rows of this width lie within the slice, the columns being contiguous.
    pub(crate) fn has_width(&self, width: usize) -> bool {
        self.rows == 0 || (self.rows - 1) * self.row_stride + width <= self.data.len()
    }

    pub(crate) fn row_stride(&self) -> usize {
        self.row_stride
    }

    pub(crate) fn column_stride(&self) -> usize {
        self.column_stride
    }

    /// Where element (row, column) lies; one past the matrix is allowed where nothing is read there.
    pub(crate) fn pointer(&self, row: usize, column: usize) -> *const f32 {
        self.data.as_ptr().wrapping_add(row * self.row_stride + column * self.column_stride)
    }
}

/// A matrix to be written, its columns contiguous.
#[derive(Debug)]
pub struct MatrixMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// Rows one behind the other, `stride` numbers from the start of one to the next.
    ///
    /// # Panics
    /// If the slice is too short, or rows overlap.
    pub fn strided(data: &'a mut [f32], (rows, columns): (usize, usize), stride: usize) -> MatrixMut<'a> {
        check(data.len(), rows, columns, stride);
        MatrixMut { data, rows, columns, stride }
    }

    /// Rows side by side without a gap.
    ///
    /// # Panics
    /// If the slice has not `rows * columns` numbers.
    pub fn new(data: &'a mut [f32], rows: usize, columns: usize) -> MatrixMut<'a> {
        assert_eq!(Some(data.len()), rows.checked_mul(columns), "numbers of a matrix {rows} x {columns}");
        MatrixMut { data, rows, columns, stride: columns }
    }

    /// The same matrix for a shorter time.
    pub fn reborrow(&mut self) -> MatrixMut<'_> {
        MatrixMut { data: self.data, rows: self.rows, columns: self.columns, stride: self.stride }
    }

    /// The same matrix, to be read.
    pub fn as_matrix(&self) -> Matrix<'_> {
        Matrix {
            data: self.data,
            rows: self.rows,
            columns: self.columns,
            row_stride: self.stride,
            column_stride: 1,
        }
    }

    /// The rows before `row`, and those from `row` on.
    pub(crate) fn split_at(self, row: usize) -> (MatrixMut<'a>, MatrixMut<'a>) {
        let MatrixMut { data, rows, columns, stride } = self;
        assert!(row <= rows, "row {row} of {rows}");
        let (before, after) = data.split_at_mut((row * stride).min(data.len()));
        (
            MatrixMut { data: before, rows: row, columns, stride },
            MatrixMut { data: after, rows: rows - row, columns, stride },
        )
    }

    /// The same matrix, only to be read from now on.
    pub(crate) fn into_matrix(self) -> Matrix<'a> {
        let MatrixMut { data, rows, columns, stride } = self;
        Matrix { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// The rows `first..first + rows`.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn rows_from(self, first: usize, rows: usize) -> MatrixMut<'a> {
        assert!(first + rows <= self.rows, "rows {first}..{} of {}", first + rows, self.rows);
        if rows == 0 || self.columns == 0 {
            return MatrixMut { data: &mut [], rows, ..self };
        }
        MatrixMut { data: &mut self.data[first * self.stride..], rows, ..self }
    }

    /// The columns `first..first + columns`.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn columns_from(self, first: usize, columns: usize) -> MatrixMut<'a> {
        assert!(first + columns <= self.columns, "columns {first}..{} of {}", first + columns, self.columns);
        if self.rows == 0 || columns == 0 {
            return MatrixMut { data: &mut [], columns, ..self };
        }
        MatrixMut { data: &mut self.data[first..], columns, ..self }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.data[row * self.stride..][..self.columns]
    }

    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// Where a row starts.
    pub(crate) fn pointer(&mut self, row: usize) -> *mut f32 {
        self.data.as_mut_ptr().wrapping_add(row * self.stride)
    }
}

/// The constructors' promise, on which the kernels' pointers rest: every element lies within the slice.
fn check(len: usize, rows: usize, columns: usize, stride: usize) {
    assert!(columns <= stride || rows <= 1, "rows of {columns} columns, {stride} apart, overlap");
    let needed =
        if rows == 0 || columns == 0 { 0 } else { (rows - 1).saturating_mul(stride).saturating_add(columns) };
    assert!(needed <= len, "{rows} rows of {columns}, {stride} apart, need {needed} numbers, not {len}");
}

/// What the chain of each element of C starts from.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// Zero: C = A B.
    Zero,
    /// What C holds: C = C + A B.
    Keep,
    /// A row that is the same for all: C = b + A B.
    Row(&'a [f32]),
}
