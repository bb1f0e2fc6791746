-- Reads a page of keys from the indexes of several buckets, in the order of their positions.
--
-- A position is a score, a bucket and an id, compared in this order. The score is the due time, and
-- in the other indexes the id's first 13 digits, a number that Lua holds exactly. So only ids of
-- one bucket are compared as text, which is up to Redis: the `<` of Lua follows the locale.
--
-- ARGV  1 the prefix of all names; 2 the set: 'keys', 'due' or 'attention'; 3 the limit
--       4 the due time at which the listing ends, or ''
--       5 the score, 6 the bucket and 7 the id after which the page begins, or ''
--       8... the buckets
--
-- There are no KEYS: a node of a cluster reads all its buckets in one call. It refuses access to
-- names that have moved or are moving to another node.
--
-- Returns the last score, bucket and id if there may be more; the score, the bucket, the id and the
-- key of each record; the buckets that are not, or not whole, at this node.

local prefix, which, limit, before = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local after_score, after_bucket, after_id = ARGV[5], tonumber(ARGV[6]), ARGV[7]
local by_due = which == 'due'
-- An item is an id, and in the index of due times its score.
local step = by_due and 2 or 1
-- How many items are read from a bucket at a time: its part of the page, and one more.
local portion = math.ceil(limit / (#ARGV - 7)) + 1
local elsewhere, is_elsewhere = {}, {}

-- Calls a command; returns nil if the name is not at this node.
local function try(bucket, ...)
    local reply = redis.pcall(...)
    if type(reply) ~= 'table' or not reply.err then
        return reply
    elseif string.find(reply.err, 'non local key', 1, true) then
        if not is_elsewhere[bucket] then
            is_elsewhere[bucket] = true
            elsewhere[#elsewhere + 1] = bucket
        end
        return nil
    end
    -- It fails again, now with the error that Redis makes of it.
    return redis.call(...)
end

-- Returns whether an id comes after another one, by their digits.
local function follows(id, other)
    for digit = 1, 40, 10 do
        local a = tonumber(string.sub(id, digit, digit + 9), 16)
        local b = tonumber(string.sub(other, digit, digit + 9), 16)
        if a ~= b then
            return a > b
        end
    end
    return false
end

-- Returns how many ids with the score of the position come at or before it in its own bucket. There
-- may be thousands, and the id itself may be gone.
local function passed(set)
    local first = redis.call('ZCOUNT', set, '-inf', '(' .. after_score)
    local low, high = first, first + redis.call('ZCOUNT', set, after_score, after_score)
    while low < high do
        local middle = math.floor((low + high) / 2)
        if follows(redis.call('ZRANGE', set, middle, middle)[1], after_id) then
            high = middle
        else
            low = middle + 1
        end
    end
    return low - first
end

-- Returns the lower bound of a bucket's part, and how many of its items to skip.
local function start(set, bucket)
    if after_id == '' then
        return by_due and '-inf' or '-', 0
    elseif by_due then
        if bucket ~= after_bucket then
            return (bucket < after_bucket and '(' or '') .. after_score, 0
        end
        return after_score, try(bucket, 'EXISTS', set) == 1 and passed(set) or 0
    elseif bucket ~= after_bucket then
        -- 'g' comes after every digit.
        return '[' .. string.sub(after_id, 1, 13) .. (bucket < after_bucket and 'g' or ''), 0
    end
    return '(' .. after_id, 0
end

-- Reads the next items of a bucket; returns whether there are any.
local function read(head)
    local items
    if by_due then
        items = try(head.bucket, 'ZRANGEBYSCORE', head.set, head.from, '(' .. before,
            'WITHSCORES', 'LIMIT', head.skip, portion)
    else
        items = try(head.bucket, 'ZRANGEBYLEX', head.set, head.from, '+',
            'LIMIT', head.skip, portion)
    end
    if not items or not items[1] then
        return false
    end
    head.items, head.at, head.skip = items, 1, head.skip + portion
    return true
end

local function set_score(head)
    if by_due then
        head.score = tonumber(head.items[head.at + 1])
    else
        head.score = tonumber(string.sub(head.items[head.at], 1, 13), 16)
    end
end

-- The buckets with more items, as a heap by the positions of their next ones.
local heap = {}

local function sink(place)
    local head = heap[place]
    local score, bucket = head.score, head.bucket
    while true do
        local child = 2 * place
        local least, right = heap[child], heap[child + 1]
        if right and (right.score < least.score
            or (right.score == least.score and right.bucket < least.bucket)) then
            child, least = child + 1, right
        end
        if not least or score < least.score
            or (score == least.score and bucket < least.bucket) then
            break
        end
        heap[place], place = least, child
    end
    heap[place] = head
end

-- Moves on to the next item of the first bucket, and drops the bucket after its last one.
local function advance(head)
    head.at = head.at + step
    if head.items[head.at] or (#head.items == portion * step and read(head)) then
        set_score(head)
        sink(1)
        return
    end
    local last = table.remove(heap)
    if heap[1] then
        heap[1] = last
        sink(1)
    end
end

for argument = 8, #ARGV do
    local bucket = tonumber(ARGV[argument])
    local base = prefix .. '{' .. ARGV[argument] .. '}:'
    local head = { bucket = bucket, base = base, set = base .. which }
    head.from, head.skip = start(head.set, bucket)
    if read(head) then
        set_score(head)
        heap[#heap + 1] = head
    end
end
for place = math.floor(#heap / 2), 1, -1 do
    sink(place)
end

local found, expired = {}, {}
local last_score, last_bucket, last_id
for _ = 1, limit do
    local head = heap[1]
    if not head then
        break
    end
    local id = head.items[head.at]
    local score = by_due and head.items[head.at + 1] or ''
    last_score, last_bucket, last_id = score, head.bucket, id
    -- The length of the key, and the key if it is not very long.
    local start = try(head.bucket, 'GETRANGE', head.base .. id, 34, 163)
    if start == '' and redis.call('EXISTS', head.base .. id) == 0 then
        local ids = expired[head.base] or {}
        expired[head.base] = ids
        ids[#ids + 1] = id
    elseif start then
        local high, low = string.byte(start, 1, 2)
        local length = (high or 0) * 256 + (low or 0)
        local key = string.sub(start, 3, 2 + length)
        if length > 128 then
            key = redis.call('GETRANGE', head.base .. id, 36, 35 + length)
        end
        local n = #found
        found[n + 1], found[n + 2], found[n + 3], found[n + 4] = score, head.bucket, id, key
    end
    advance(head)
end

-- Removed only now, since the reads above count from the start of each index. A failure changes
-- nothing: a replica, for one, removes nothing.
for base, ids in pairs(expired) do
    for _, set in ipairs({ 'keys', 'due', 'attention', 'expiring' }) do
        redis.pcall('ZREM', base .. set, unpack(ids))
    end
end
return { heap[1] and { last_score, last_bucket, last_id } or {}, found, elsewhere }
