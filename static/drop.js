// A run's file that is dropped onto the form is sent as if it had been chosen.
export function startDrops() {
  for (const form of document.querySelectorAll("[data-drop]")) {
    const input = form.querySelector("input[type=file]");
    const over = (event) => {
      if (![...event.dataTransfer.items].some(({ kind }) => kind === "file")) return;
      event.preventDefault();
      form.toggleAttribute("data-over", event.type !== "dragleave");
    };
    form.addEventListener("dragenter", over);
    form.addEventListener("dragover", over);
    form.addEventListener("dragleave", over);
    form.addEventListener("drop", (event) => {
      form.removeAttribute("data-over");
      if (event.dataTransfer.files.length === 0) return;
      event.preventDefault();
      input.files = event.dataTransfer.files;
      form.requestSubmit();
    });
  }
}
