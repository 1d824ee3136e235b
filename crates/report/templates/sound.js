/* Moves a line over the pictures of a sound, and seeks to a click. */
{
  const sounds = [...document.querySelectorAll("audio")];
  sounds.forEach((audio, number) => {
    const charts = [...(audio.closest(".example") ?? document).querySelectorAll("svg[data-seconds]")].map((svg) => {
      const [start, end, left, right] = svg.dataset.seconds.split(" ").map(Number);
      const cursor = svg.appendChild(document.createElementNS(svg.namespaceURI, "g"));
      cursor.setAttribute("class", "cursor");
      cursor.setAttribute("visibility", "hidden");
      for (const shade of ["black", "white"]) {
        const line = cursor.appendChild(document.createElementNS(svg.namespaceURI, "line"));
        line.setAttribute("class", shade);
        line.setAttribute("y1", svg.dataset.top);
        line.setAttribute("y2", svg.dataset.bottom);
      }
      return { svg, cursor, start, end, left, right };
    });
    if (charts.length === 0) return;
    const move = () => {
      for (const { cursor, start, end, left, right } of charts) {
        const x = left + ((right - left) * (audio.currentTime - start)) / (end - start);
        cursor.setAttribute("transform", `translate(${x.toFixed(1)} 0)`);
        cursor.setAttribute("visibility", x >= left && x <= right ? "visible" : "hidden");
      }
    };
    const follow = () => {
      move();
      if (!audio.paused) requestAnimationFrame(follow);
    };
    audio.addEventListener("play", () => {
      sounds.filter((other) => other !== audio).forEach((other) => other.pause());
      follow();
    });
    for (const event of ["seeking", "timeupdate", "ended"]) audio.addEventListener(event, move);
    for (const { svg, start, end, left, right } of charts) {
      const seek = (x) => {
        if (x < left || x > right) return;
        const seconds = start + ((end - start) * (x - left)) / (right - left);
        audio.currentTime = Math.min(Math.max(seconds, 0), audio.duration || seconds);
        move();
      };
      svg.classList.add("seekable");
      svg.addEventListener("click", (event) => {
        const box = svg.getBoundingClientRect();
        seek(((event.clientX - box.left) * svg.viewBox.baseVal.width) / box.width);
      });
      svg.addEventListener("keydown", (event) => {
        const selected = svg.querySelector(".pointer polyline")?.getAttribute("points");
        if (event.key !== "Enter" || !selected) return;
        event.preventDefault();
        seek(Number.parseFloat(selected));
      });
    }
    if (number > 0) return;
    const hint = document.createElement("p");
    hint.className = "hint";
    const has_keys = charts.some(({ svg }) => svg.hasAttribute("tabindex"));
    hint.textContent = `Click a picture${has_keys ? ", or press Enter in a chart," : ""} to set the position of the sound.`;
    audio.after(hint);
  });
}
