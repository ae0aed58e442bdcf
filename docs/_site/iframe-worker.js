// A page that is opened from the disk gets no worker of its own from the browser; a hidden frame stands in for it,
// so that the search works without a server.
if (location.protocol === "file:")
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      const inner = frame.contentWindow
      this.ready = new Promise(done => frame.addEventListener("load", () => done(inner)))
      window.addEventListener("message", event => {
        if (event.source === inner)
          this.dispatchEvent(new MessageEvent("message", { data: event.data }))
      })
      inner.document.open()
      inner.document.write(
        "<!doctype html><body><script>postMessage = data => parent.postMessage(data, '*')</scr" +
        `ipt><script src="${url}"></scr` + "ipt>"
      )
      inner.document.close()
    }
    postMessage(data) {
      this.ready.then(inner => inner.dispatchEvent(new MessageEvent("message", { data })))
    }
  }
