// The Trust Center in the reader's browser.
