// Where the files of runs are, for a comparison on a page without a kernel: beside it. Stands for the class of the same
// name in panels, which asks a kernel for their bytes.
class Files {
  constructor() {
    this.clips = new Map(window.STUDIO.clips);
  }

  url(said) {
    return window.STUDIO.files[said.key]?.file ?? "";
  }

  still(said) {
    return window.STUDIO.files[said.key]?.thumbnail ?? "";
  }

  kind(said) {
    return said.kind;
  }

  take() {}

  dispose() {}
}
