// The texts of a page whose contrast with what is behind them is below WCAG's level AA: [text, colour, background, ratio].
() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const parsed = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
    const background = (element) => {
        const layers = [];
        for (let at = element; at; at = at.parentElement) layers.push(parsed(getComputedStyle(at).backgroundColor));
        return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
    };
    const luminance = (colour) => {
        const [r, g, b] = colour.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
        const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent.trim()).join("");
        const style = getComputedStyle(element);
        const disabled = element.closest("[disabled], [aria-disabled=true]");
        if (!text || disabled || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        if (["SCRIPT", "STYLE", "TITLE"].includes(element.tagName) || element.closest("svg")) continue;
        const behind = background(element);
        const front = over(parsed(style.color), behind);
        const [light, dark] = [luminance(front), luminance(behind)].sort((a, b) => b - a);
        const ratio = (light + 0.05) / (dark + 0.05);
        const size = parseFloat(style.fontSize);
        const icon = element.closest("[data-testid=stIconMaterial]"); // no text, although it is written with letters
        const large = icon || size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        if (ratio < 1.01 && element.closest("[data-testid=stSlider]")) continue; // its value stands above the thumb, not on it
        if (ratio < (large ? 3 : 4.5)) found.push([text.slice(0, 40), style.color, behind.join(), ratio.toFixed(2)]);
    }
    return found;
}
